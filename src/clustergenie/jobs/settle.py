"""Move jobs from state to state: every move is guarded by the fence, counts the version, and says what happened."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import OperationalError

from clustergenie.jobs import kinds, plan, signals
from clustergenie.jobs.models import Ended, LostLease, nothing_after
from clustergenie.jobs.tables import attempts, jobs
from clustergenie.platform.db import Tx
from clustergenie.platform.dialects import UpdateEach
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log

WAIT_LIMIT = dt.timedelta(hours=24)
"""How long a job may wait for a worker before it is failed with a reason."""

_SAME = (
    "state",
    "progress",
    "message",
    "result",
    "error",
    "attempt",
    "lost_count",
    "run_at",
    "deadline_at",
    "completed_at",
)
_MOVE = UpdateEach(
    jobs,
    keys={"id": "b_id", "fence": "b_fence", "version": "b_version"},
    changes={"fence": "new_fence", **{name: name for name in _SAME}},
    words={"version": "jobs.version + 1", "worker_id": "NULL"},
)
_INSERT_ATTEMPT = insert(attempts)
_SELECT = select(jobs).where(jobs.c.id.in_(bindparam("ids", expanding=True))).with_for_update()
_EVENTS = {"completed": "job_completed", "failed": "job_failed", "dead": "job_failed", "cancelled": "job_cancelled"}


class Leave(NamedTuple):
    """How an attempt ended: the words of the worker that holds `fence`."""

    job_id: str
    fence: int
    outcome: str
    result: dict[str, Any] | None = None
    error: str | None = None
    delay_seconds: float | None = None


@dataclass
class Move:
    """A job's next state, and what is to be written about the attempt that ended there."""

    row: Any
    state: str
    outcome: str | None
    message: str
    result: dict[str, Any] | None = None
    error: str | None = None
    delay: dt.timedelta = field(default_factory=dt.timedelta)
    attempt: int | None = None
    lost_count: int = 0
    progress: int | None = None


def leave_many(tx: Tx, leaves: list[Leave]) -> "Sequence[Exception | None]":
    """End attempts, many at once: each is answered by None, or by LostLease when its fence is not the job's."""
    rows = {row.id: row for row in tx.execute(_SELECT, {"ids": [item.job_id for item in leaves]})}
    answers: list[Exception | None] = []
    moves: list[Move] = []
    for item in leaves:
        row = rows.pop(item.job_id, None)
        if row is None or row.state != "running" or row.fence != item.fence:
            answers.append(LostLease(f"{item.job_id} is not held with fence {item.fence}"))
            continue
        moves.append(_move_for(row, item))
        answers.append(None)
    apply(tx, moves)
    return answers


def _move_for(row: Any, item: Leave) -> Move:
    if item.outcome == "completed":
        return Move(row, "completed", "completed", "completed", result=item.result, progress=100)
    if item.outcome in ("retry", "handed_back") and row.cancel_requested_at is not None:
        # It was asked to stop, and failed or was interrupted while it did: it must not start again.
        return Move(row, "cancelled", "cancelled", "cancelled", error=item.error or "cancelled on request")
    if item.outcome == "cancelled":
        return Move(row, "cancelled", "cancelled", "cancelled", error=item.error)
    if item.outcome == "handed_back":
        # A worker that stops in good order did not try and fail: the attempt is not counted.
        message = "handed back by a worker that is stopping"
        return Move(row, "ready", "handed_back", message, attempt=row.attempt - 1, lost_count=row.lost_count)
    if item.outcome == "failed":
        return Move(row, "failed", "failed", item.error or "failed", error=item.error)
    fate = plan.after_failure(row.attempt, row.max_attempts, item.delay_seconds, random.random())
    if fate.state == "failed":
        return Move(row, "failed", "failed", f"{item.error} ({fate.reason})", error=f"{item.error} ({fate.reason})")
    message = f"attempt {row.attempt} failed: {item.error}; next try in {fate.delay_seconds:.1f} s"
    return Move(row, "scheduled", "retry", message, error=item.error, delay=dt.timedelta(seconds=fate.delay_seconds))


def apply(tx: Tx, moves: Sequence[Move]) -> None:
    """Write the moves, the attempts they end, and their events. The rows must have been read in this transaction."""
    if not moves:
        return
    if _MOVE.run(tx, [_values(tx.now, move) for move in moves]) != len(moves):
        raise LostLease("a job changed between the look and the move")
    ended_attempts = [_attempt(tx.now, move) for move in moves if move.outcome is not None]
    if ended_attempts:
        tx.execute(_INSERT_ATTEMPT, ended_attempts)
    if any(move.state == "ready" or move.row.serial_key is not None for move in moves):
        tx.after_commit(signals.wake)  # the next of its key may go as well
    for move in moves:
        tx.emit(_event(move))
        if move.state in _EVENTS:
            _tell_kind(tx, move)


def _tell_kind(tx: Tx, move: Move) -> None:
    """Run the kind's `ended`. One that raises loses its own effects only: the job must be able to end."""
    row, kind = move.row, kinds.find(move.row.type)
    if kind is None or kind.ended is nothing_after:  # a savepoint costs as much as all else of a move
        return
    ended = Ended(row.id, move.state, row.cluster_id, row.droplet_id, row.parameters, move.error, row.trace_id)
    said = len(tx.events)
    tx.connection.exec_driver_sql("SAVEPOINT ended")
    try:
        kind.ended(tx, ended)
    except OperationalError:  # the database itself: a deadlock, a full disk; the whole transaction is to be undone
        raise
    except Exception:  # noqa: BLE001 - see above; reconciliation puts right what it would have done
        tx.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT ended")
        del tx.events[said:]
        log().exception("what follows the end of a job failed", job_id=row.id, job_type=row.type)
    tx.connection.exec_driver_sql("RELEASE SAVEPOINT ended")


def _values(now: dt.datetime, move: Move) -> dict[str, Any]:
    row, over = move.row, move.state in _EVENTS
    run_at = now + move.delay if not over else row.run_at
    return {
        "b_id": row.id,
        "b_fence": row.fence,
        "b_version": row.version,
        "state": move.state,
        "new_fence": row.fence + 1,
        "progress": row.progress if move.progress is None else move.progress,
        "message": move.message,
        "result": move.result,
        "error": move.error,
        "attempt": row.attempt if move.attempt is None else move.attempt,
        "lost_count": move.lost_count,
        "run_at": run_at,
        "deadline_at": None if over else run_at + WAIT_LIMIT,
        "completed_at": now if over else None,
    }


def _attempt(now: dt.datetime, move: Move) -> dict[str, Any]:
    row = move.row
    return {
        "job_id": row.id,
        "fence": row.fence,
        "attempt": row.attempt,
        "worker_id": row.worker_id,
        "started_at": row.attempt_started_at,
        "ended_at": now,
        "outcome": move.outcome,
        "error": move.error,
    }


def _event(move: Move) -> Event:
    row = move.row
    return Event(
        type=_EVENTS.get(move.state, "job_progress"),
        key=row.id,
        seq=row.version + 1,
        job_id=row.id,
        job_type=row.type,
        cluster_id=row.cluster_id,
        droplet_id=row.droplet_id,
        progress=row.progress if move.progress is None else move.progress,
        message=move.message,
        trace_id=row.trace_id,
        payload={"state": move.state, "attempt": row.attempt, "result": move.result, "error": move.error},
    )
