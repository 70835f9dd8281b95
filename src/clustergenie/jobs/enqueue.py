"""Accept jobs: one by one inside a caller's transaction, or many callers' at once."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, text

from clustergenie import auth
from clustergenie.jobs import signals, trail
from clustergenie.jobs.admit import refusals
from clustergenie.jobs.control import cancel_row
from clustergenie.jobs.models import (
    Enqueue,
    Job,
    JobConflict,
    JobNotFound,
    KeyReused,
    Kind,
    Lanes,
    OnConflict,
    shown,
)
from clustergenie.jobs.settle import WAIT_LIMIT
from clustergenie.jobs.tables import LIVE, idempotency_keys, jobs, of_live_unique_key
from clustergenie.platform import ids
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import trace_id

_INSERT = insert(jobs)
_INSERT_KEY = insert(idempotency_keys)


class Accepted(NamedTuple):
    """The job a request led to; `created` is false when it was there already."""

    job: Job
    created: bool


def enqueue(
    tx: Tx,
    kind: Kind[Any],
    parameters: Any,
    *,
    unique_key: str | None = None,
    run_at: dt.datetime | None = None,
    on_conflict: OnConflict = "queue",
    trace: str | None = None,
) -> Job:
    """Queue work in the caller's transaction. With a `unique_key` that a live job has, that job is returned.

    Raises what the kind's `admit` says, and JobConflict when `on_conflict` is `reject` and its lane is taken.
    """
    item = Enqueue(
        kind,
        parameters,
        trace or trace_id(),
        run_at=run_at,
        on_conflict=on_conflict,
        unique_key=unique_key,
        asker=auth.acting(),
    )
    outcome = enqueue_many(tx, [item])[0]
    if isinstance(outcome, Problem):
        raise outcome
    return outcome.job


def enqueue_many(tx: Tx, items: Sequence[Enqueue]) -> "list[Accepted | Problem]":
    """Queue many requests in few statements; each gets its own answer, in order, as if they had come one by one.

    The unique index has the last word on unique keys: a clash raises, and the caller runs each request by itself.
    """
    for item in items:
        item.lanes = item.kind.lanes(item.parameters)
        item.unique_key = item.unique_key or item.lanes.unique_key
    return [answer for together in _in_turns(items) for answer in _enqueue_together(tx, together)]


def _in_turns(items: Sequence[Enqueue]) -> list[list[Enqueue]]:
    """Split where the answer to a request depends on one before it."""
    turns: list[list[Enqueue]] = [[]]
    seen: set[tuple[str, str]] = set()
    for item in items:
        exclusive = {("key", item.idempotency_key), ("id", item.job_id), ("unique", item.unique_key)}
        lane = ("serial", item.lanes.serial_key)
        if exclusive & seen or (lane in seen and item.on_conflict != "queue"):
            turns.append([])
            seen = set()
        turns[-1].append(item)
        seen |= {(what, value) for what, value in exclusive | {lane} if value is not None}
    return turns


def _enqueue_together(tx: Tx, items: Sequence[Enqueue]) -> "list[Accepted | Problem]":
    answers: dict[int, Accepted | Problem] = {}
    _replayed(tx, items, answers)
    answers |= refusals(tx, {place: item for place, item in enumerate(items) if place not in answers})
    _conflicting(tx, items, answers)
    rows_of: dict[int, dict[str, Any]] = {}
    keys: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        if place not in answers:
            row = _row(item, tx.now)
            rows_of[place] = row
            answers[place] = Accepted(_shown(row), created=True)
            tx.emit(_requested(row))
            if item.idempotency_key is not None:
                keys.append(
                    {
                        "key": item.idempotency_key,
                        "request_hash": item.request_hash,
                        "job_id": row["id"],
                        "created_at": tx.now,
                    }
                )
    if rows_of:
        tx.execute(_INSERT, list(rows_of.values()))
        trail.note(tx, items, rows_of)
        tx.after_commit(signals.wake)
    if keys:
        tx.execute(_INSERT_KEY, keys)
    return [answers[place] for place in range(len(items))]


def _replayed(tx: Tx, items: Sequence[Enqueue], answers: "dict[int, Accepted | Problem]") -> None:
    """Answer requests whose Idempotency-Key or job id was seen before with the job they led to."""
    keyed = {item.idempotency_key for item in items if item.idempotency_key is not None}
    if keyed:
        found = tx.execute(select(idempotency_keys).where(idempotency_keys.c.key.in_(keyed))).fetchall()
        seen = {row.key: row for row in found}
        for place, item in enumerate(items):
            if (row := seen.get(item.idempotency_key or "")) is not None:
                answer = _first_answer(tx, row, item)
                if answer is not None:
                    answers[place] = answer
    for place, item in enumerate(items):
        if item.job_id is not None and place not in answers:
            there = tx.execute(select(jobs).where(jobs.c.id == item.job_id)).one_or_none()
            if there is not None:
                answers[place] = Accepted(shown(there), created=False)


def _first_answer(tx: Tx, key: Any, item: Enqueue) -> "Accepted | Problem | None":
    there = tx.execute(select(jobs).where(jobs.c.id == key.job_id)).one_or_none()
    if there is None:  # the job was forgotten, and so its key
        tx.execute(delete(idempotency_keys).where(idempotency_keys.c.key == key.key))
        return None
    if not auth.sees(item.asker, there.cluster_id):
        return KeyReused("This Idempotency-Key was used before by somebody else; use another one.")
    if key.request_hash == item.request_hash:
        return Accepted(shown(there), created=False)
    return KeyReused(
        f"The Idempotency-Key {item.idempotency_key!r} led to {there.id} for a different request; "
        "use a new key for a new request."
    )


def _conflicting(tx: Tx, items: Sequence[Enqueue], answers: "dict[int, Accepted | Problem]") -> None:
    """Answer with the live job of the same unique key; then let `on_conflict` decide about the serial key."""
    for place, item in enumerate(items):
        if place in answers:
            continue
        there = [] if item.unique_key is None else _live(tx, of_live_unique_key(tx.dialect, item.unique_key), 1)
        if there:
            answers[place] = _same_work(item, there[0])
        elif item.lanes.serial_key is not None and item.on_conflict != "queue":
            clash = _make_way(tx, item)
            if clash is not None:
                answers[place] = clash


def _same_work(item: Enqueue, there: Any) -> "Accepted | Problem":
    if not auth.sees(item.asker, there.cluster_id):
        return JobConflict(f"The unique key {item.unique_key!r} is taken by a live job; use another key.")
    if there.type == item.kind.name:
        return Accepted(shown(there), created=False)
    return JobConflict(
        f"The unique key {item.unique_key!r} belongs to {there.id}, a live job of type {there.type}; use another key.",
        job_id=there.id,
    )


def _make_way(tx: Tx, item: Enqueue) -> JobConflict | None:
    most = 1 if item.on_conflict == "reject" else None
    in_the_way = _live(tx, jobs.c.serial_key == item.lanes.serial_key, most)
    if in_the_way and item.on_conflict == "reject":
        other = in_the_way[0]
        return JobConflict(
            f"{other.id} ({other.type}, {other.state}) is already working on {item.lanes.serial_key}; wait for it, "
            "cancel it, or ask with on_conflict=queue or replace.",
            job_id=other.id,
        )
    for other in in_the_way:
        cancel_row(tx, other, "replaced by a newer request")
    return None


def _live(tx: Tx, condition: Any, most: int | None) -> list[Any]:
    # LIVE as it is in the partial indexes: bound values would hide them, and every look would read the whole table.
    query = select(jobs).where(condition, text(LIVE)).order_by(jobs.c.created_at, jobs.c.id).limit(most)
    return list(tx.execute(query).fetchall())


def _row(item: Enqueue, now: dt.datetime) -> dict[str, Any]:
    lanes: Lanes = item.lanes
    run_at = max(item.run_at, now) if item.run_at is not None else now
    return {
        "id": item.job_id or ids.job_id(item.kind.name, now),
        "type": item.kind.name,
        "state": "scheduled" if run_at > now else "ready",
        "cluster_id": lanes.cluster_id,
        "droplet_id": lanes.droplet_id,
        "trace_id": item.trace_id,
        "parameters": item.parameters,
        "priority": item.kind.priority if item.priority is None else item.priority,
        "run_at": run_at,
        "progress": 0,
        "message": "waiting for a worker",
        "result": None,
        "error": None,
        "attempt": 0,
        "max_attempts": item.max_attempts or item.kind.max_attempts,
        "lost_count": 0,
        "fence": 0,
        "version": 1,
        "worker_id": None,
        "timeout_seconds": item.kind.timeout_seconds,
        "deadline_at": run_at + WAIT_LIMIT,
        "cancel_requested_at": None,
        "unique_key": item.unique_key,
        "serial_key": lanes.serial_key,
        "created_by": None if item.asker is None else item.asker.principal.subject,
        "created_at": now,
        "started_at": None,
        "attempt_started_at": None,
        "completed_at": None,
    }


def _shown(row: dict[str, Any]) -> Job:
    return Job(
        id=row["id"],
        type=row["type"],
        status="pending",
        state=row["state"],
        cluster_id=row["cluster_id"],
        droplet_id=row["droplet_id"],
        trace_id=row["trace_id"],
        progress=0,
        message=row["message"],
        created_at=row["created_at"],
        started_at=None,
        completed_at=None,
        result=None,
        error=None,
        parameters=_plain(row["parameters"]),
        attempt=0,
        max_attempts=row["max_attempts"],
        priority=row["priority"],
        run_at=row["run_at"],
        worker_id=None,
        cancel_requested_at=None,
        created_by=row["created_by"],
        version=1,
    )


def _plain(parameters: Any) -> dict[str, Any]:
    """A parameters struct as the dictionary it will come back as."""
    return {name: getattr(parameters, name) for name in parameters.__struct_fields__}


def _requested(row: dict[str, Any]) -> Event:
    return Event(
        type="job_requested",
        key=row["id"],
        seq=1,
        job_id=row["id"],
        job_type=row["type"],
        cluster_id=row["cluster_id"],
        droplet_id=row["droplet_id"],
        progress=0,
        message="requested",
        trace_id=row["trace_id"],
        payload=_plain(row["parameters"]),
    )


def get(tx: Tx, job_id: str) -> Job:
    """The job. Raises JobNotFound."""
    row = tx.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None or not auth.admits(row.cluster_id):
        raise JobNotFound(f"There is no job {job_id!r}; GET /api/v1/jobs lists them.")
    return shown(row)
