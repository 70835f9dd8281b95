"""Take jobs back from workers that are gone and from attempts that overran, and notice jobs nobody takes."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select, text, update

from clustergenie.jobs import plan, settle
from clustergenie.jobs.tables import LIVE, jobs, workers
from clustergenie.platform import leases
from clustergenie.platform.db import Database, Tx

OVERRUN_GRACE = dt.timedelta(seconds=10)
"""A worker ends an attempt at its deadline itself; only when it does not, somebody else does."""

_BATCH = 200
_OWNED = select(jobs).where(jobs.c.worker_id == bindparam("worker"), text("state = 'running'")).with_for_update()
_DECLARE_DEAD = (
    update(workers)
    .where(
        workers.c.id == bindparam("worker"),
        workers.c.state.in_(("alive", "draining")),
        workers.c.lease_until < bindparam("moment"),
    )
    .values(state="dead")
)


def rescue(tx: Tx, worker_id: str) -> int | None:
    """Declare one worker dead and take its jobs back, in one guarded transaction.

    Returns how many jobs, or None when the worker is alive or another rescuer was first.
    """
    if tx.execute(_DECLARE_DEAD, {"worker": worker_id, "moment": tx.now}).rowcount != 1:
        return None
    return _take_back(tx, list(tx.execute(_OWNED, {"worker": worker_id})))


def take_over(tx: Tx, survivor: str) -> int:
    """Take back every running job that is not `survivor`'s: for a database that only one process can hold."""
    living = workers.c.state.in_(("alive", "draining"))
    tx.execute(update(workers).where(living, workers.c.id != survivor).values(state="dead"))
    # Nobody is left to hold the named leases either: what they guard need not wait until they run out.
    leases.free_all(tx)
    rows = tx.execute(select(jobs).where(text("state = 'running'"), jobs.c.worker_id != survivor).with_for_update())
    return _take_back(tx, list(rows))


def _take_back(tx: Tx, rows: list[Any]) -> int:
    settle.apply(tx, [_lost(row) for row in rows])
    return len(rows)


def _lost(row: Any) -> settle.Move:
    # A job lost before, and now lost while it only waited in its worker's queue, did not do it: neither the loss nor
    # the attempt counts. Else one job that kills its workers would take all those along that were claimed with it.
    begun = row.attempt_started_at is not None
    attempt, losses = (row.attempt, row.lost_count + 1) if begun else (row.attempt - 1, row.lost_count)
    fate = plan.after_loss(attempt, row.max_attempts, losses, cancel_requested=row.cancel_requested_at is not None)
    message = fate.reason or f"the worker of attempt {row.attempt} was lost; trying again"
    error = message if fate.state != "ready" else None
    return settle.Move(row, fate.state, "lost", message, error=error, attempt=attempt, lost_count=losses)


def orphaned(tx: Tx) -> int:
    """Take back running jobs whose worker has no row or a dead one: nothing should make such, but if it does…"""
    living = select(workers.c.id).where(workers.c.state.in_(("alive", "draining")))
    query = select(jobs).where(text("state = 'running'"), jobs.c.worker_id.not_in(living)).limit(_BATCH)
    return _take_back(tx, list(tx.execute(query.with_for_update())))


def expire(tx: Tx) -> int:
    """End what is past its deadline: attempts that overran are tried again, jobs nobody took are failed."""
    overdue = select(jobs).where(text(LIVE), jobs.c.deadline_at < tx.now).limit(_BATCH).with_for_update()
    moves = []
    for row in tx.execute(overdue):
        if row.state != "running":
            hours = settle.WAIT_LIMIT.total_seconds() / 3600
            reason = f"no worker took it within {hours:.0f} hours"
            moves.append(settle.Move(row, "failed", None, reason, error=reason))
        elif row.deadline_at + OVERRUN_GRACE < tx.now:
            moves.append(_overran(row))
    settle.apply(tx, moves)
    return len(moves)


def _overran(row: Any) -> settle.Move:
    reason = f"attempt {row.attempt} exceeded its limit of {row.timeout_seconds} s and did not stop"
    if row.cancel_requested_at is not None:
        return settle.Move(row, "cancelled", "expired", reason, error=reason)
    fate = plan.after_failure(row.attempt, row.max_attempts, None, 0.5)
    return settle.Move(row, fate.state, "expired", reason, error=reason, delay=dt.timedelta(seconds=fate.delay_seconds))


def age(tx: Tx) -> int:
    """Move jobs that have waited a minute or more towards the front, so that no priority starves."""
    long_ago = tx.now - dt.timedelta(minutes=1)
    waiting = select(jobs.c.id, jobs.c.priority).where(text("state = 'ready'"), jobs.c.run_at < long_ago)
    rows = tx.execute(waiting.where(jobs.c.priority > 0).order_by(jobs.c.run_at).limit(1000)).fetchall()
    if rows:
        tx.execute(
            update(jobs).where(jobs.c.id == bindparam("b_id")).values(priority=bindparam("new")),
            [{"b_id": row.id, "new": plan.aged(row.priority)} for row in rows],
        )
    return len(rows)


async def sweep(db: Database) -> int:
    """One round of all of the above, each worker in a transaction of its own so that one bad row stops nothing."""
    stale = await db.read(_expired_workers)
    rounds: list[Callable[[Tx], int]] = [partial(_rescued, worker_id=worker_id) for worker_id in stale]
    failure: Exception | None = None
    taken = 0
    for take in [*rounds, orphaned, expire]:
        try:
            taken += await db.write(take)
        except Exception as error:  # noqa: BLE001 - raised below, once the others have had their turn
            failure = error
    if failure is not None:
        raise failure
    return taken


def _rescued(tx: Tx, worker_id: str) -> int:
    return rescue(tx, worker_id) or 0


def _expired_workers(tx: Tx) -> list[str]:
    living = workers.c.state.in_(("alive", "draining"))
    return list(tx.execute(select(workers.c.id).where(living, workers.c.lease_until < tx.now)).scalars())
