"""Fail a job's handler at each of its steps, and show that the end is the same.

A handler must be safe to run twice from any step (DESIGN.md §5). This plays it again and again, each time in a new
world, and each time something happens at another point of its `step`, `write_step`, `write` and `progress`: before
it, after it, and for a `step` also between the act and its note.

    def test_provisioning_survives_everything(tmp_path: Path) -> None:
        @asynccontextmanager
        async def make() -> AsyncIterator[World]:             # a new database and a new cloud each time
            async with my_database(...) as db:
                yield World(db, provision.handler(fleet), jobs.Enqueue(PROVISION, Provision(count=3), "ab" * 16))

        async def see(world: World) -> object:                # what must come out the same: no ids, no times
            return sorted((m.name, m.status) for m in await world.cloud.list())

        asyncio.run(run_with_fault_at_every_step(make, see))
        asyncio.run(run_twice_from_every_step(make, see))

`run_with_fault_at_every_step`: `raise` an exception there (the attempt fails and is retried), or `kill` the worker
there (nothing after the point happens; the job is rescued and another worker runs it).
`run_twice_from_every_step`: the worker is held up there past its lease; the job is rescued and another worker runs it
to its end; then the first one goes on, and may write nothing.

Both return the points they tried, and raise an AssertionError that names the point otherwise. What is repeated
(loops) is tried at its first occurrence. Subclass `World` to carry what `see` needs; `others` are handlers of the
jobs that the handler under test asks for.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from clustergenie import jobs
from clustergenie.jobs import lease, rescue
from clustergenie.jobs.attempt import attempt
from clustergenie.jobs.settle import leave_many
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem
from tests import databases

Mode = Literal["raise", "kill", "hold"]
MOST_ROUNDS = 50
SECONDS = 60.0

T = TypeVar("T")


@dataclass
class World:
    """One new world: a started database with all tables, the handler, and the request for its job."""

    db: Database
    handler: "jobs.Handler[Any]"
    request: jobs.Enqueue
    others: "Sequence[jobs.Handler[Any]]" = ()
    store: jobs.Store = field(default_factory=lambda: jobs.store_for(databases.DIALECT))


W = TypeVar("W", bound=World)
Make = Callable[[], AbstractAsyncContextManager[W]]
See = Callable[[W], Awaitable[object]]


class Injected(Exception):
    """A failure that a test injected."""


class Killed(BaseException):
    """The worker is gone: no `except Exception` may see it."""


@dataclass
class Script:
    """What is to happen where: at the first time that `point` is passed; once. None: only note the points."""

    point: str | None = None
    mode: Mode = "raise"
    passed: list[str] = field(default_factory=list)
    held_up: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    done: bool = False

    async def at(self, point: str, running: "Faulty") -> None:
        if running.dead:
            raise Killed(point)
        if point not in self.passed:
            self.passed.append(point)
        if point != self.point or self.done:
            return
        self.done = True
        if self.mode == "raise":
            raise Injected(f"injected {point}")
        if self.mode == "kill":
            running.dead = True
            raise Killed(point)
        self.held_up.set()
        await self.go_on.wait()


class Faulty(jobs.Running[Any]):
    """A running job at whose every step something may happen."""

    def __init__(self, real: "jobs.Running[Any]", script: Script) -> None:
        self.__dict__.update(real.__dict__)
        self.script, self.dead = script, False

    async def step(self, name: str, fn: Callable[[], Awaitable[T]]) -> T:
        async def act() -> T:
            output = await fn()
            await self.script.at(f"between the act and the note of step {name}", self)
            return output

        return await self._around(f"step {name}", lambda: super(Faulty, self).step(name, act))

    async def write_step(self, name: str, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        real = super().write_step
        return await self._around(f"write_step {name}", lambda: real(name, fn, *args, **kwargs))

    async def write(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        real = super().write
        return await self._around(f"write {fn.__name__}", lambda: real(fn, *args, **kwargs))

    async def progress(self, percent: int, message: str, **payload: Any) -> None:
        real = super().progress
        await self._around(f"progress {percent}", lambda: real(percent, message, **payload))

    async def _around(self, what: str, real: Callable[[], Awaitable[T]]) -> T:
        await self.script.at(f"before {what}", self)
        result = await real()
        await self.script.at(f"after {what}", self)
        return result


async def run_with_fault_at_every_step(
    make: "Make[W]", see: "See[W]", *, modes: Sequence[Mode] = ("raise", "kill")
) -> list[str]:
    """Every point fails once, in each of the modes; the job must end as it does undisturbed. See the module."""
    points, expected = await _undisturbed(make, see)
    for point, mode in itertools.product(points, modes):
        async with make() as world:
            script = Script(point, mode)
            found = await _within(_play(world, script), see, world)
            assert found == expected, f"{mode} {point}: ended as {found}, undisturbed as {expected}"
    return points


async def run_twice_from_every_step(make: "Make[W]", see: "See[W]") -> list[str]:
    """At every point the worker is held up, loses the job to another, and goes on later. See the module."""
    points, expected = await _undisturbed(make, see)
    for point in points:
        async with make() as world:
            script = Script(point, "hold")
            found = await _within(_play(world, script), see, world)
            assert found == expected, f"held up {point}: ended as {found}, undisturbed as {expected}"
    return points


async def _undisturbed(make: "Make[W]", see: "See[W]") -> tuple[list[str], object]:
    script = Script()
    async with make() as world:
        found = await _within(_play(world, script), see, world)
    assert script.passed, "the handler has no step at which it could fail"
    return script.passed, found


async def _within(play: Awaitable[str], see: "See[W]", world: W) -> tuple[str, object]:
    async with asyncio.timeout(SECONDS):
        return await play, await see(world)


async def _play(world: World, script: Script) -> str:
    """Work until the job has ended; the state it ended in."""
    job_id = await _asked(world)
    background: list[asyncio.Task[bool]] = []
    zombies: list[asyncio.Task[bool]] = []
    for round_ in range(MOST_ROUNDS):
        worker = f"worker-{job_id}-{round_}"
        for job in await world.db.write(_claim, world.store, worker):
            if job.id != job_id:
                background.append(asyncio.create_task(_work(world, job, None)))
                continue
            task = asyncio.create_task(_work(world, job, script))
            if await _held_up(task, script):
                zombies.append(task)
            elif await task:
                continue
            # Its worker is gone, or seems so: its lease, which is of no length, has run out.
            assert await world.db.write(rescue.rescue, worker) is not None
        if (await world.db.read(jobs.get, job_id)).completed_at is not None:
            break
    script.go_on.set()
    for zombie in zombies:
        assert not await zombie, f"{script.point}: a worker that had lost its job could still end it"
    await asyncio.gather(*background)
    return (await world.db.read(jobs.get, job_id)).state


async def _asked(world: World) -> str:
    accepted = (await world.db.write(jobs.enqueue_many, [world.request]))[0]
    if isinstance(accepted, Problem):
        raise accepted
    return accepted.job.id


def _claim(tx: Tx, store: jobs.Store, worker: str) -> list[jobs.Claimed]:
    lease.register(tx, worker, lease.Me(slots=1), 0.0)
    store.promote(tx, 100)
    return store.claim(tx, worker, 100)


async def _held_up(task: "asyncio.Task[bool]", script: Script) -> bool:
    """Wait until the attempt has ended, or is held up for the first time."""
    if script.mode != "hold" or script.held_up.is_set():
        await asyncio.wait([task])
        return False
    waiter = asyncio.create_task(script.held_up.wait())
    await asyncio.wait([task, waiter], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    return not task.done()


async def _work(world: World, job: jobs.Claimed, script: Script | None) -> bool:
    """Run one attempt and write how it ended; False when there is nobody left to write it."""
    handlers = {handler.kind.name: handler for handler in (*world.others, world.handler)}
    handler = handlers[job.type]
    if script is not None:
        inner = handler

        async def run(running: "jobs.Running[Any]") -> dict[str, Any] | None:
            return await inner.run(Faulty(running, script))

        handler = jobs.Handler(inner.kind, run)
    try:
        leave = await attempt(world.db, handler, job)
    except (Killed, BaseExceptionGroup):
        return False
    if leave is None:
        return False
    if leave.outcome == "retry":
        leave = leave._replace(delay_seconds=0.0)
    (answer,) = await world.db.write(leave_many, [leave])
    return answer is None
