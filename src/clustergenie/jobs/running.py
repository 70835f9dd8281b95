"""What a handler holds while it works: every write through it is fenced."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from clustergenie.jobs.models import LostLease
from clustergenie.jobs.store import Claimed
from clustergenie.jobs.tables import jobs, steps
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event

A = ParamSpec("A")
P = TypeVar("P")
T = TypeVar("T")

_GUARD = (
    select(jobs.c.fence, jobs.c.state, jobs.c.version, jobs.c.lost_count)
    .where(jobs.c.id == bindparam("job"))
    .with_for_update()
)
_PROGRESS = (
    update(jobs)
    .where(jobs.c.id == bindparam("job"), jobs.c.fence == bindparam("b_fence"))
    .values(progress=bindparam("percent"), message=bindparam("words"), version=bindparam("next_version"), lost_count=0)
)
_FURTHER = update(jobs).where(jobs.c.id == bindparam("job"), jobs.c.lost_count > 0).values(lost_count=0)
_REMEMBER = insert(steps)
_BEGIN = (
    update(jobs)
    .where(jobs.c.id == bindparam("job"), jobs.c.fence == bindparam("b_fence"), jobs.c.state == "running")
    .values(attempt_started_at=bindparam("moment"), deadline_at=bindparam("until"))
)
_WAIT_ON = (
    update(jobs)
    .where(jobs.c.id == bindparam("job"), jobs.c.fence == bindparam("b_fence"), jobs.c.state == "running")
    .values(deadline_at=bindparam("until"))
)


class Running(Generic[P]):
    """A job under way. When any of its writes raises LostLease, another attempt owns the job: let it propagate."""

    def __init__(self, claimed: Claimed, parameters: P, db: Database, remembered: dict[str, Any]) -> None:
        self.id = claimed.id
        self.type = claimed.type
        self.cluster_id = claimed.cluster_id
        self.droplet_id = claimed.droplet_id
        self.trace_id = claimed.trace_id
        self.attempt = claimed.attempt
        self.fence = claimed.fence
        self.parameters = parameters
        self.cancelling = False
        self._db = db
        self._remembered = remembered

    async def step(self, name: str, fn: Callable[[], Awaitable[T]]) -> T:
        """Do `fn` unless an earlier attempt did; its output (JSON) is remembered across attempts.

        A crash between the act and the note repeats the act, so it must be idempotent by key.
        """
        if name in self._remembered:
            remembered: T = self._remembered[name]
            return remembered
        output = await fn()
        _check_json(name, output)
        await self._db.write(self._note, name, output)
        self._remembered[name] = output
        return output

    async def write_step(
        self, name: str, fn: Callable[Concatenate[Tx, A], T], /, *args: A.args, **kwargs: A.kwargs
    ) -> T:
        """Like `step` for work that is all in the database: effect and note commit together, so it happens once."""
        if name in self._remembered:
            remembered: T = self._remembered[name]
            return remembered

        def both(tx: Tx) -> T:
            self._guard(tx)
            output = fn(tx, *args, **kwargs)
            _check_json(name, output)
            self._note(tx, name, output, guarded=True)
            return output

        output = await self._db.write(both)
        self._remembered[name] = output
        return output

    async def write(self, fn: Callable[Concatenate[Tx, A], T], /, *args: A.args, **kwargs: A.kwargs) -> T:
        """A transaction that commits only while this attempt is the job's current one. Raises LostLease."""

        def fenced(tx: Tx) -> T:
            self._guard(tx)
            return fn(tx, *args, **kwargs)

        return await self._db.write(fenced)

    async def read(self, fn: Callable[Concatenate[Tx, A], T], /, *args: A.args, **kwargs: A.kwargs) -> T:
        """A read-only transaction."""
        return await self._db.read(fn, *args, **kwargs)

    async def progress(self, percent: int, message: str, **payload: Any) -> None:
        """Say how far the job is, 0 to 100; kept with the job and sent as `job_progress`."""
        await self._db.write(self._progress, percent, message, payload)

    def _guard(self, tx: Tx) -> Any:
        row = tx.execute(_GUARD, {"job": self.id}).one_or_none()
        if row is None or row.fence != self.fence or row.state != "running":
            raise LostLease(f"{self.id} is no longer held with fence {self.fence}")
        return row

    def _note(self, tx: Tx, name: str, output: Any, *, guarded: bool = False) -> None:
        if not guarded:
            self._guard(tx)
        tx.execute(_REMEMBER, {"job_id": self.id, "step": name, "fence": self.fence, "output": output, "at": tx.now})
        if self.fence > 1:
            tx.execute(_FURTHER, {"job": self.id})

    def _progress(self, tx: Tx, percent: int, message: str, payload: dict[str, Any]) -> None:
        row = self._guard(tx)
        values = {"job": self.id, "b_fence": self.fence, "percent": percent, "words": message}
        tx.execute(_PROGRESS, {**values, "next_version": row.version + 1})
        tx.emit(
            Event(
                type="job_progress",
                key=self.id,
                seq=row.version + 1,
                job_id=self.id,
                job_type=self.type,
                cluster_id=self.cluster_id,
                droplet_id=self.droplet_id,
                progress=percent,
                message=message,
                trace_id=self.trace_id,
                payload=payload,
            )
        )


def remembered(tx: Tx, job_id: str) -> dict[str, Any]:
    """What earlier attempts of the job have done."""
    rows = tx.execute(select(steps.c.step, steps.c.output).where(steps.c.job_id == job_id))
    return {row.step: row.output for row in rows}


def forget_steps(tx: Tx, job_id: str) -> None:
    """What the job did has been undone: should it be tried again, it begins anew."""
    tx.execute(delete(steps).where(steps.c.job_id == job_id))


def begin(tx: Tx, job: Claimed) -> None:
    """Note that an attempt begins only now, though it was claimed earlier: its time counts from here.

    Raises LostLease.
    """
    values = {"job": job.id, "b_fence": job.fence, "moment": tx.now, "until": _deadline(tx, job)}
    if tx.execute(_BEGIN, values).rowcount != 1:
        raise LostLease(f"{job.id} is no longer held with fence {job.fence}")


def wait_on(tx: Tx, waiting: Sequence[Claimed]) -> None:
    """Move the deadlines of jobs that wait in their worker's queue: they have not begun, so they cannot overrun."""
    if waiting:
        rows = [{"job": job.id, "b_fence": job.fence, "until": _deadline(tx, job)} for job in waiting]
        tx.execute(_WAIT_ON, rows)


def _deadline(tx: Tx, job: Claimed) -> dt.datetime:
    return tx.now + dt.timedelta(seconds=job.timeout_seconds)


def _check_json(name: str, output: Any) -> None:
    """What a step returns now must be what a later attempt will remember; better to learn that at the first run."""
    if output is not None and msgspec.json.decode(msgspec.json.encode(output)) != output:
        raise TypeError(f"step {name!r} returned {type(output).__name__}; only plain JSON is remembered as it is")
