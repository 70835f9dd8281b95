"""End droplets: drain, end the machine, let the name go. Gone already is success, at every step."""

import asyncio
import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update

from clustergenie import auth, jobs
from clustergenie.droplets import service
from clustergenie.droplets.asking import patiently
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.membership import clusters
from clustergenie.droplets.models import COMING, LEAVING, Droplet, DropletLeaving, DropletNotFound
from clustergenie.droplets.tables import droplets, vitals
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem

DRAIN_SECONDS = 30.0
LOOK_SECONDS = 0.2
CHUNK = 500


class Destroy(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The droplets that carry this job's id are ended; `cluster_id` and `droplet_id` only say whose they are."""

    cluster_id: str | None = None
    droplet_id: str | None = None


DESTROY = jobs.declare(
    jobs.Kind(
        "destroy",
        Destroy,
        timeout_seconds=900,
        max_attempts=20,  # a machine that costs money is not given up on lightly; reconciliation asks again after that
        public=False,
        lanes=lambda wanted: jobs.Lanes(cluster_id=wanted.cluster_id, droplet_id=wanted.droplet_id),
    )
)


def request(tx: Tx, droplet_id: str) -> tuple[Droplet, jobs.Job]:
    """Delete one droplet; its cluster wants one fewer. Raises DropletNotFound, DropletLeaving."""
    row = tx.execute(select(droplets).where(droplets.c.id == droplet_id).with_for_update()).one_or_none()
    if row is None or row.status == "deleted" or not auth.admits(row.cluster_id):
        raise DropletNotFound(f"There is no droplet {droplet_id!r}; GET /api/v1/droplets lists them.")
    if row.status in LEAVING:
        raise DropletLeaving(f"{droplet_id} is already {row.status} ({row.job_id}).", job_id=row.job_id)
    # One that is broken is being replaced already: deleting it must not also shrink the cluster.
    if row.cluster_id is not None and row.status not in ("failed", "lost"):
        clusters().leave(tx, row.cluster_id, 1)
    was = {"name": row.name, "status": row.status, "provider": row.provider, "machine_ref": row.machine_ref}
    auth.audit(tx, "droplet.delete", droplet_id, cluster_id=row.cluster_id, before=was)
    job = end(tx, [row], "deleted on request")
    return service.get(tx, droplet_id), job


def end(tx: Tx, rows: Sequence[Any], reason: str) -> jobs.Job:
    """Decide the end of these droplets (rows read in this transaction) and queue the job that brings it about."""
    cluster_ids = {row.cluster_id for row in rows}
    wanted = Destroy(
        cluster_id=next(iter(cluster_ids)) if len(cluster_ids) == 1 else None,
        droplet_id=rows[0].id if len(rows) == 1 else None,
    )
    job = jobs.enqueue(tx, DESTROY, wanted)
    busy = _busy(tx, [row.id for row in rows])
    service.move(tx, [row for row in rows if row.id in busy and row.status == "active"], "draining", reason)
    service.move(tx, [row for row in rows if not (row.id in busy and row.status == "active")], "deleting", reason)
    for start in range(0, len(rows), CHUNK):
        service.belongs_to(tx, [row.id for row in rows[start : start + CHUNK]], job.id)
    return job


def end_by_id(tx: Tx, droplet_ids: Sequence[str], reason: str) -> jobs.Job | None:
    """Like `end`, for those of the droplets whose end is not decided yet; None if there are none."""
    rows: list[Any] = []
    for start in range(0, len(droplet_ids), CHUNK):
        chunk = droplet_ids[start : start + CHUNK]
        rows += tx.execute(
            select(droplets).where(droplets.c.id.in_(chunk), droplets.c.status.not_in((*LEAVING, "deleted")))
        )
    return end(tx, rows, reason) if rows else None


def give_up(tx: Tx, job_id: str, reason: str) -> int:
    """What this job wished for and is not up is not wanted any more, and is ended; how many."""
    rows = service.rows_of_job(tx, job_id, (*COMING, "failed"))
    if rows:
        end(tx, rows, reason)
    return len(rows)


def _busy(tx: Tx, droplet_ids: Sequence[str]) -> set[str]:
    """Those that run workloads, and so have something to drain."""
    found: set[str] = set()
    for start in range(0, len(droplet_ids), CHUNK):
        chunk = droplet_ids[start : start + CHUNK]
        query = select(vitals.c.droplet_id, vitals.c.detail).where(vitals.c.droplet_id.in_(chunk))
        found |= {row.droplet_id for row in tx.execute(query) if (row.detail or {}).get("workloads", 0) > 0}
    return found


def handler(fleet: Fleet) -> jobs.Handler[Destroy]:
    """What does the work."""

    async def run(job: jobs.Running[Destroy]) -> dict[str, Any]:
        await drain(job)
        rows = await job.read(service.rows_of_job, job.id, ("deleting",))
        return {"deleted": await end_machines(job, fleet, rows)}

    return jobs.Handler(DESTROY, run)


async def drain(job: jobs.Running[Any]) -> None:
    """Wait until what runs on the droplets has stopped, or long enough."""
    while await job.write(_drained, job.id):  # noqa: ASYNC110 - the state is in the database, nobody can set an event
        await asyncio.sleep(LOOK_SECONDS)


def _drained(tx: Tx, job_id: str) -> int:
    """Move on what is drained or was given its time; how many are still draining."""
    rows = service.rows_of_job(tx, job_id, ("draining",))
    busy = _busy(tx, [row.id for row in rows])
    limit = tx.now - dt.timedelta(seconds=DRAIN_SECONDS)
    done = [row for row in rows if row.id not in busy or row.updated_at < limit]
    service.move(tx, done, "deleting", "drained")
    return len(rows) - len(done)


async def end_machines(job: jobs.Running[Any], fleet: Fleet, rows: Sequence[Any]) -> int:
    """End the machines of these droplets and note each as deleted; how many. Raises Retry for those that would not."""
    refs = await _refs(fleet, rows)
    gates = {name: asyncio.Semaphore(driver.concurrency) for name, driver in fleet.drivers.items()}
    gone: list[str] = []
    failures: list[Problem] = []

    async def end_one(row: Any) -> None:
        try:
            for ref in refs.get(row.id, []):
                async with gates[row.provider]:
                    await patiently(functools.partial(fleet.drivers[row.provider].destroy, ref))
            gone.append(row.id)
        except Problem as problem:
            failures.append(problem)

    total = 0
    for start in range(0, len(rows), CHUNK):
        await asyncio.gather(*(end_one(row) for row in rows[start : start + CHUNK] if row.provider in gates))
        await job.write(_note_deleted, list(gone))
        total += len(gone)
        gone.clear()
    if failures:
        raise jobs.Retry(f"{len(failures)} machines could not be ended: {failures[0].detail}")
    if absent := sorted({row.provider for row in rows} - set(gates)):
        raise jobs.Fail(f"{', '.join(absent)} is not configured any more; its machines are ended when it is again")
    return total


async def _refs(fleet: Fleet, rows: Sequence[Any]) -> dict[str, list[str]]:
    """Each droplet's machine. One that was ordered but not noted before a crash is found by its tag."""
    refs = {row.id: [row.machine_ref] for row in rows if row.machine_ref is not None}
    for provider in {row.provider for row in rows if row.machine_ref is None} & set(fleet.drivers):
        for machine in await fleet.drivers[provider].list():
            refs.setdefault(machine.droplet_id, [])
            if machine.ref not in refs[machine.droplet_id]:
                refs[machine.droplet_id].append(machine.ref)
    return refs


def _note_deleted(tx: Tx, droplet_ids: Sequence[str]) -> None:
    query = select(droplets).where(droplets.c.id.in_(droplet_ids), droplets.c.status == "deleting")
    rows = list(tx.execute(query))
    reasons = {row.id: row.status_reason for row in rows}
    service.move(tx, rows, "deleted", reasons)
    if droplet_ids:
        tx.execute(update(droplets).where(droplets.c.id.in_(droplet_ids)).values(ip_address=None, port=None))
