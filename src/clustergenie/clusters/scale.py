"""Bring a cluster to its wanted size: on request (scale), and by itself when droplets were lost (heal)."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import update

from clustergenie import droplets, jobs
from clustergenie.clusters import plan, service
from clustergenie.clusters.models import Size
from clustergenie.clusters.tables import clusters
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Invalid, Problem

LOOK_SECONDS = 0.2


class Scale(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Either `target_size`, or `action` with `by`."""

    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)]
    target_size: Size | None = None
    action: Literal["scale_up", "scale_down"] | None = None
    by: Annotated[int, Meta(ge=1, le=10_000)] = 1


class Heal(msgspec.Struct, forbid_unknown_fields=True):
    """Which cluster is not what it should be."""

    cluster_id: str


class NoTarget(Invalid):
    """A scale job names either a target size or an action."""


def serial_key(cluster_id: str) -> str:
    """What changes a cluster as a whole happens one at a time."""
    return f"cluster:{cluster_id}"


def _admit(tx: Tx, wanted: Sequence[Scale]) -> list[Problem | None]:
    objections = service.Members().objections(tx, sorted({item.cluster_id for item in wanted}))
    return [objections.get(item.cluster_id) or _ambiguous(item) for item in wanted]


def _ambiguous(item: Scale) -> Problem | None:
    if (item.target_size is None) == (item.action is None):
        return NoTarget(
            "Name either target_size, or action (scale_up or scale_down) with by.",
            errors=[
                {"pointer": "/parameters/target_size", "detail": "exactly one of target_size and action is needed"}
            ],
        )
    return None


def _scaled(tx: Tx, ended: jobs.Ended) -> None:
    """A scale job that is cancelled leaves the cluster at what is up by then; one that fails leaves it to healing."""
    row = service.find(tx, ended.cluster_id or "")
    if ended.state == "cancelled":
        given_up = droplets.give_up(tx, ended.job_id, "its scaling was cancelled")
        jobs.forget_steps(tx, ended.job_id)  # undone: tried again, it begins anew
        if row is not None and row.status != "deleting":
            service.resize(tx, row, max(0, row.wanted_size - given_up))
    else:
        _healed(tx, ended)


def _healed(tx: Tx, ended: jobs.Ended) -> None:
    """What a job leaves behind that never came up is failed, and the next healing waits longer."""
    droplets.abandon(tx, ended.job_id, ended.error or f"its job was {ended.state}")
    row = service.find(tx, ended.cluster_id or "")
    if row is None:
        return
    failures = 0 if ended.state == "completed" else row.heal_failures + 1
    after = tx.now + dt.timedelta(seconds=plan.pause_seconds(failures)) if failures else None
    tx.execute(update(clusters).where(clusters.c.id == row.id).values(heal_failures=failures, heal_after=after))


SCALE = jobs.declare(
    jobs.Kind(
        "scale",
        Scale,
        timeout_seconds=1800,
        max_attempts=8,
        lanes=lambda wanted: jobs.Lanes(cluster_id=wanted.cluster_id, serial_key=serial_key(wanted.cluster_id)),
        admit=_admit,
        ended=_scaled,
    )
)
HEAL = jobs.declare(
    jobs.Kind(
        "heal",
        Heal,
        timeout_seconds=1800,
        max_attempts=3,
        priority=50,  # what is broken goes before what is new
        public=False,
        lanes=lambda wanted: jobs.Lanes(
            cluster_id=wanted.cluster_id,
            serial_key=serial_key(wanted.cluster_id),
            unique_key=f"heal:{wanted.cluster_id}",
        ),
        ended=_healed,
    )
)


def scale_handler(fleet: droplets.Fleet) -> jobs.Handler[Scale]:
    """What does the work of `scale`."""

    async def run(job: jobs.Running[Scale]) -> dict[str, Any]:
        changed = await job.write_step("target", _resize_and_converge, fleet, job.parameters, job)
        return {**changed, **await _settle(job, fleet, changed)}

    return jobs.Handler(SCALE, run)


def heal_handler(fleet: droplets.Fleet) -> jobs.Handler[Heal]:
    """What does the work of `heal`."""

    async def run(job: jobs.Running[Heal]) -> dict[str, Any]:
        changed = await job.write_step("converge", _converge, fleet, job.parameters.cluster_id, job)
        return {**changed, **await _settle(job, fleet, changed)}

    return jobs.Handler(HEAL, run)


async def _settle(job: jobs.Running[Any], fleet: droplets.Fleet, changed: dict[str, Any]) -> dict[str, Any]:
    """Bring up what was added, wait until what was let go is gone."""
    cluster_id = job.cluster_id or ""
    await job.write(droplets.revive, job.id)
    await job.write(_converge, fleet, cluster_id, job)  # again: it may be tried again long after it had failed
    added = await job.read(droplets.ids_of_job, job.id)
    result = await droplets.finish(job, fleet, added) if added else {"active": 0, "droplets": []}
    # Only what this job let go: a machine that cannot be ended must not hold up a cluster that grows.
    while changed["removed"] and await job.read(_leaving, cluster_id):  # noqa: ASYNC110 - the state is in the database
        await asyncio.sleep(LOOK_SECONDS)
    return result


def _leaving(tx: Tx, cluster_id: str) -> int:
    there = droplets.counts(tx, [cluster_id]).get(cluster_id, {})
    return sum(there.get(status, 0) for status in droplets.LEAVING)


def _resize_and_converge(tx: Tx, fleet: droplets.Fleet, wanted: Scale, job: jobs.Running[Any]) -> dict[str, Any]:
    row = service.locked(tx, wanted.cluster_id)
    if row.status == "deleting":
        raise jobs.Fail(f"{wanted.cluster_id} is being deleted; it takes no other size.")
    size = plan.target(row.wanted_size, wanted.target_size, wanted.action, wanted.by)
    service.resize(tx, row, size)
    return {"from": row.wanted_size, "to": size, **_converge(tx, fleet, wanted.cluster_id, job)}


def _converge(tx: Tx, fleet: droplets.Fleet, cluster_id: str, job: jobs.Running[Any]) -> dict[str, Any]:
    """Wish for what is missing, decide the end of what is too much, in one commit."""
    row = service.locked(tx, cluster_id)
    if row.status == "deleting":
        return {"added": 0, "removed": 0}
    missing = plan.differs(droplets.counts(tx, [cluster_id]).get(cluster_id, {}), row.wanted_size)
    if missing > 0:
        joined = service.take_ordinals(tx, row, missing)
        specs = [
            droplets.DropletSpec(name, cluster_id, row.region, row.size, row.image, row.provider)
            for name in droplets.numbered(joined.name, joined.first_ordinal, missing)
        ]
        droplets.note_wishes(tx, fleet, specs, droplets.Provision(), job.id, job.trace_id)
    elif missing < 0:
        members = [
            plan.Member(id=one.id, status=one.status, created_at=one.created_at)
            for one in droplets.of_cluster(tx, cluster_id)
            if one.status in droplets.LIVE
        ]
        droplets.end_by_id(tx, plan.victims(members, -missing), f"scaled down to {row.wanted_size}")
    return {"added": max(0, missing), "removed": max(0, -missing)}
