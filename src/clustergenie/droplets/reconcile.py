"""Compare droplets with machines every few seconds, and put right what differs."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from clustergenie import jobs
from clustergenie.droplets import destroy, plan, service
from clustergenie.droplets.bring_up import note_machines
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.models import BROKEN, COMING, LEAVING
from clustergenie.droplets.reports import REPLACED
from clustergenie.droplets.tables import agents, droplets, vitals
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.telemetry import log
from clustergenie.providers import Machine

MOST_AT_ONCE = 50

_ROWS = (
    select(
        droplets.c.id,
        droplets.c.status,
        droplets.c.machine_ref,
        droplets.c.job_id,
        droplets.c.provider,
        droplets.c.updated_at,
        droplets.c.cluster_id,
        vitals.c.last_seen_at,
        vitals.c.heartbeat_seconds,
    )
    .outerjoin(vitals, vitals.c.droplet_id == droplets.c.id)
    .where(droplets.c.status != "deleted")
)


class Reconciler:
    """Level-triggered: each round looks at everything and remembers nothing but since when somebody has listened."""

    def __init__(self, db: Database, fleet: Fleet) -> None:
        self._db, self._fleet = db, fleet
        self._looked_at: dt.datetime | None = None
        self._alone = db.dialect == "sqlite"

    async def round(self) -> plan.Verdict:
        """One look at everything, and what it led to."""
        fleet = self._fleet
        self._awake(*await self._db.read(_moment_and_hearers, fleet.deaf_seconds))
        # Machines first: a machine made after this look belongs to a row that is older than the look at the rows.
        machines, silent = await fleet.machines()
        moment, rows = await self._db.read(_rows)
        fleet.in_use = dict(Counter(row.provider for row in rows))
        for name, reason in silent.items():
            log().warning("provider cannot be asked for its machines", provider=name, error=reason)
        by_ref = {f"{name}/{machine.ref}": (name, machine) for name, found in machines.items() for machine in found}
        verdict = await self._decide(moment, [row for row in rows if row.provider in machines], by_ref)
        if verdict.lost or verdict.failed or verdict.found or verdict.finish_off:
            noted = [by_ref[ref][1] for ref in verdict.found.values()]
            await self._db.write(_apply, verdict, noted)
        await self._destroy([by_ref[ref] for ref in verdict.destroy])
        self._looked_at = await self._db.read(_moment)
        return verdict

    async def _decide(
        self, moment: dt.datetime, heard: Sequence[Any], by_ref: dict[str, tuple[str, Machine]]
    ) -> plan.Verdict:
        seen = [plan.Seen(ref, one.droplet_id, one.status != "stopped") for ref, (_, one) in by_ref.items()]
        lost_after = self._fleet.lost_after_seconds
        heard_after = moment - dt.timedelta(seconds=lost_after)
        quiet = plan.quiet(((row, _ref(row)) for row in heard), seen, heard_after)
        remarkable = [row for row in heard if row.id not in quiet]
        known = {row.id for row in heard}
        strangers = [machine.droplet_id for machine in seen if machine.droplet_id not in known]
        deleted = await self._db.read(_deleted, strangers) if strangers else frozenset[str]()
        live_jobs = await self._db.read(_live_jobs, remarkable) if remarkable else set[str]()
        return plan.reconcile(
            [_row(row, live_jobs) for row in remarkable],
            [machine for machine in seen if machine.droplet_id not in quiet],
            deleted,
            now=moment,
            watching_since=self._fleet.listening_since,
            lost_after_seconds=lost_after,
        )

    def _awake(self, moment: dt.datetime, hearing: dt.datetime | None) -> None:
        """After a pause in which nobody could have heard anything (a suspended computer, a database that was full, no
        process left for agents to report to), everyone gets a full period again: else all of them would be taken for
        lost at once. Where processes share a database, `hearing` is since when one of them has been there."""
        deaf = self._looked_at is not None and (moment - self._looked_at).total_seconds() > self._fleet.deaf_seconds
        if not self._alone:
            # What was before our own first look we do not know: others led.
            deaf = deaf or self._looked_at is None or hearing is None
            self._fleet.listening_since = max(self._fleet.listening_since, hearing or moment)
        if deaf:
            self._fleet.listening_since = moment

    async def _destroy(self, surplus: Sequence[tuple[str, Machine]]) -> None:
        if not surplus:
            return
        await self._db.write(_still_ours)
        # Together: one that takes its time to end must not keep this round from the next look at everything.
        await asyncio.gather(*(self._destroy_one(name, machine) for name, machine in surplus[:MOST_AT_ONCE]))

    async def _destroy_one(self, provider: str, machine: Machine) -> None:
        try:
            await self._fleet.drivers[provider].destroy(machine.ref)
            log().info("surplus machine ended", provider=provider, ref=machine.ref)
        except Problem as problem:  # it is still there at the next round
            log().warning("surplus machine could not be ended", ref=machine.ref, error=problem.detail)


def _moment_and_hearers(tx: Tx, silence_seconds: float) -> tuple[dt.datetime, dt.datetime | None]:
    return tx.now, jobs.hearing_since(tx, silence_seconds)


def _still_ours(_tx: Tx) -> None:
    """Nothing; but whoever has slept past the end of its term hears so here, before it ends a machine."""


def _moment(tx: Tx) -> dt.datetime:
    return tx.now


def _rows(tx: Tx) -> tuple[dt.datetime, list[Any]]:
    return tx.now, list(tx.execute(_ROWS))


def _row(row: Any, live_jobs: set[str]) -> plan.Row:
    return plan.Row(
        id=row.id,
        status=row.status,
        machine_ref=_ref(row),
        job_is_live=row.job_id in live_jobs,
        last_seen_at=row.last_seen_at,
        heartbeat_seconds=row.heartbeat_seconds or 0.0,
        since=row.updated_at,
        cluster_id=row.cluster_id,
    )


def _ref(row: Any) -> str | None:
    """Where its machine is, among all providers: two of them may use the same names."""
    return f"{row.provider}/{row.machine_ref}" if row.machine_ref is not None else None


def _live_jobs(tx: Tx, rows: Sequence[Any]) -> set[str]:
    ids = sorted({row.job_id for row in rows if row.status in (*COMING, *LEAVING, *BROKEN) and row.job_id})
    return {live for start in range(0, len(ids), 500) for live in jobs.is_live(tx, set(ids[start : start + 500]))}


def _deleted(tx: Tx, droplet_ids: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for start in range(0, len(droplet_ids), 500):
        chunk = droplet_ids[start : start + 500]
        query = select(droplets.c.id).where(droplets.c.id.in_(chunk), droplets.c.status == "deleted")
        found.update(tx.execute(query).scalars())
    return frozenset(found)


def _apply(tx: Tx, verdict: plan.Verdict, found: Sequence[Machine]) -> None:
    """Write the verdict, on rows that are still what they were when it was reached."""
    note_machines(tx, found)
    _move(tx, verdict.lost, ("active", "provisioning"), "lost")
    _move(tx, verdict.failed, COMING, "failed")
    leaving = _load(tx, verdict.finish_off, (*LEAVING, *BROKEN))
    live = _live_jobs(tx, leaving)
    rows = [row for row in leaving if row.job_id not in live]
    by_cluster: dict[str | None, list[Any]] = {}
    for row in rows:
        by_cluster.setdefault(row.cluster_id, []).append(row)
    for group in by_cluster.values():
        broken = next((row.status_reason for row in group if row.status in ("lost", "failed")), None)
        destroy.end(tx, group, f"{REPLACED}{broken}" if broken else "its deletion is taken up again")


def _move(tx: Tx, reasons: dict[str, str], statuses: Sequence[str], status: str) -> None:
    if reasons:
        rows = _load(tx, list(reasons), statuses)
        service.move(tx, rows, status, {row.id: reasons[row.id] for row in rows})


def _load(tx: Tx, droplet_ids: Sequence[str], statuses: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(droplet_ids), 500):
        chunk = droplet_ids[start : start + 500]
        found += tx.execute(select(droplets).where(droplets.c.id.in_(chunk), droplets.c.status.in_(statuses)))
    return found


def gone(tx: Tx, droplet_id: str) -> None:
    """A provider says at once that a machine ended; the next round would find it too."""
    rows = _load(tx, [droplet_id], ("active",))
    service.move(tx, rows, "lost", "its machine ended")


def prune(tx: Tx, before: dt.datetime, limit: int = 500) -> int:
    """Forget droplets that were deleted before; how many."""
    query = select(droplets.c.id).where(droplets.c.status == "deleted", droplets.c.deleted_at < before).limit(limit)
    old = list(tx.execute(query).scalars())
    for table, column in ((agents, agents.c.droplet_id), (vitals, vitals.c.droplet_id), (droplets, droplets.c.id)):
        tx.execute(table.delete().where(column.in_(old)))
    return len(old)


def expire_tokens(tx: Tx) -> None:
    """Forget one-time tokens once their droplet has enrolled and their life is over."""
    tx.execute(
        update(agents)
        .where(agents.c.token_expires_at < tx.now, agents.c.enrolled_at.is_not(None), agents.c.token_hash != "")
        .values(token_hash="", nonce_hash=None)
    )
