"""Open a real queue for one test, act on it step by step, and check what must hold for every job of every test."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from clustergenie import jobs
from clustergenie.events.tables import events as log_table
from clustergenie.jobs.lease import Me, register
from clustergenie.jobs.models import Lanes
from clustergenie.jobs.service import attempts_of
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.tables import attempts, steps
from clustergenie.jobs.tables import jobs as table
from clustergenie.platform.db import Database, Tx
from tests import databases

START = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
TERMINAL = {"completed", "failed", "dead", "cancelled"}
ENDS = {"completed": "job_completed", "failed": "job_failed", "dead": "job_failed", "cancelled": "job_cancelled"}


class Clock:
    """A clock that only tests move."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


class Work(msgspec.Struct, forbid_unknown_fields=True):
    """What the jobs of tests are asked to do: `serial` and `unique` choose their lanes, `name` tells them apart."""

    name: str = ""
    serial: str | None = None
    unique: str | None = None
    cluster_id: str | None = None
    count: int = 1


def _lanes(work: Work) -> Lanes:
    return Lanes(cluster_id=work.cluster_id, serial_key=work.serial, unique_key=work.unique)


def _ended(_tx: Tx, ended: jobs.Ended) -> None:
    if ended.parameters.get("name") == "its hook raises":
        raise ZeroDivisionError


WORK = jobs.declare(jobs.Kind("work", Work, timeout_seconds=60, lanes=_lanes, ended=_ended))
OTHER = jobs.declare(jobs.Kind("another", Work, timeout_seconds=60, lanes=_lanes, public=False))


def item(work: Work | None = None, kind: "jobs.Kind[Work]" = WORK, **more: Any) -> jobs.Enqueue:
    """A request that has been understood."""
    return jobs.Enqueue(kind, work or Work(), "ab" * 16, **more)


class Queue:
    """A queue that is worked by hand: what a pool does, one move at a time."""

    def __init__(self, db: Database, store: jobs.Store, clock: Clock) -> None:
        self.db, self.store, self.clock = db, store, clock
        self.submit = db.batched(jobs.enqueue_many)
        self.leave_batched = db.batched(leave_many)

    async def add(self, work: Work | None = None, **more: Any) -> jobs.Job:
        return (await self.submit(item(work, **more))).job

    async def names(self, *works: Work, **more: Any) -> list[str]:
        """The ids of new jobs, one after the other."""
        return [(await self.add(work, **more)).id for work in works]

    async def worker(self, name: str = "worker-a", lease_seconds: float = 30.0) -> str:
        await self.db.write(register, name, Me(slots=4), lease_seconds)
        return name

    async def claim(self, limit: int = 10, worker: str = "worker-a") -> list[jobs.Claimed]:
        return await self.db.write(self.store.claim, worker, limit)

    async def one(self, worker: str = "worker-a") -> jobs.Claimed:
        (job,) = await self.claim(1, worker)
        return job

    async def leave(self, job: jobs.Claimed, outcome: str = "completed", **more: Any) -> Exception | None:
        (answer,) = await self.db.write(leave_many, [Leave(job.id, job.fence, outcome, **more)])
        return answer

    async def get(self, job_id: str) -> jobs.Job:
        return await self.db.read(jobs.get, job_id)

    async def state(self, job_id: str) -> str:
        return (await self.get(job_id)).state

    async def outcomes(self, job_id: str) -> list[str]:
        return [attempt.outcome for attempt in await self.db.read(attempts_of, job_id)]

    async def events(self, job_id: str) -> list[str]:
        query = select(log_table.c.type).where(log_table.c.key == job_id).order_by(log_table.c.id)
        return list(await self.db.read(lambda tx: tx.execute(query).scalars().all()))


def check(tx: Tx) -> None:
    """What must hold at every moment: a version for each event, none missing, the last one saying the truth."""
    told: dict[str, list[Any]] = defaultdict(list)
    for row in tx.execute(select(log_table).order_by(log_table.c.id)):
        told[row.key].append(row)
    ended: dict[str, list[int]] = defaultdict(list)
    for row in tx.execute(select(attempts).order_by(attempts.c.job_id, attempts.c.fence)):
        ended[row.job_id].append(row.fence)
        assert row.outcome, row
    running: set[str] = set()
    live: set[str] = set()
    for row in tx.execute(select(table)):
        its = told[row.id]
        assert [event.seq for event in its] == list(range(1, row.version + 1)), (row.id, its)
        last = its[-1].type
        assert (ENDS.get(row.state) == last) if row.state in TERMINAL else last not in ENDS.values(), (row.state, last)
        assert (row.completed_at is not None) == (row.state in TERMINAL), row
        assert (row.worker_id is not None) == (row.state == "running"), row
        assert (row.deadline_at is None) == (row.state in TERMINAL), row
        claims = sum(event.type == "job_started" for event in its)
        assert len(ended[row.id]) == claims - (row.state == "running"), (row.id, ended[row.id], claims)
        assert all(fence < row.fence + (row.state != "running") for fence in ended[row.id])
        _once(running, row.serial_key if row.state == "running" else None)
        _once(live, row.unique_key if row.state not in TERMINAL else None)


def _once(seen: set[str], key: str | None) -> None:
    assert key is None or key not in seen, key
    if key is not None:
        seen.add(key)


def prepare(path: Path, *more: Any) -> None:
    """Create the tables, unless they are there."""
    databases.prepare(path, more)


@asynccontextmanager
async def opened(path: Path, clock: Clock | None = None, tables: Sequence[Any] = ()) -> AsyncIterator[Queue]:
    """A started queue; its jobs are checked at the end."""
    prepare(path, *tables)
    async with databases.running(path, clock=clock) as db:
        yield Queue(db, jobs.store_for(db.dialect), clock or Clock())
        await db.read(check)


Story = Callable[[Queue], Awaitable[None]]


def tell(path: Path, story: Story, *, clock: Clock | None = None, tables: Sequence[Any] = ()) -> None:
    """Run a story on a new queue; `clock` None: the wall clock."""

    async def run() -> None:
        async with opened(path / "jobs.db", clock, tables) as queue:
            await story(queue)

    asyncio.run(run())


async def remembered_steps(queue: Queue, job_id: str) -> list[str]:
    query = select(steps.c.step).where(steps.c.job_id == job_id).order_by(steps.c.step)
    return list(await queue.db.read(lambda tx: tx.execute(query).scalars().all()))
