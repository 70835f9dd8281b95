"""Lost leases: a zombie writes nothing, a worker declared dead begins anew, and losses are counted fairly."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from clustergenie import jobs
from clustergenie.jobs import kinds, rescue, running
from clustergenie.jobs.attempt import attempt
from clustergenie.jobs.running import Running
from clustergenie.jobs.service import steps_of
from clustergenie.jobs.tables import workers
from clustergenie.platform.db import Tx
from tests.jobs.pools import ended, pool, until
from tests.jobs.queues import WORK, Clock, Queue, Work, remembered_steps, tell
from tests.waiting import poll_until_async

Act = Callable[["jobs.Running[Work]"], Awaitable[Any]]


async def _step(job: "jobs.Running[Work]") -> None:
    async def nothing() -> None:
        return None

    await job.step("zombie", nothing)


ACTS: dict[str, Act] = {
    "step": _step,
    "progress": lambda job: job.progress(99, "from beyond"),
    "write": lambda job: job.write(lambda tx: jobs.enqueue(tx, WORK, Work("from beyond")).id),
    "write_step": lambda job: job.write_step("zombie", lambda tx: jobs.enqueue(tx, WORK, Work("from beyond")).id),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("since", ["rescued", "running again", "completed"])
def test_a_worker_that_comes_back_after_its_lease_writes_nothing(tmp_path: Path, act: str, since: str) -> None:
    async def story(q: Queue) -> None:
        added = await q.add()
        job = await q.one(await q.worker("worker-a"))
        zombie = Running(job, Work(), q.db, {})
        q.clock.advance(31)
        await q.db.write(rescue.rescue, "worker-a")
        if since != "rescued":
            again = await q.one(await q.worker("worker-b"))
            if since == "completed":
                await q.leave(again)
        before = await q.get(added.id)
        with pytest.raises(jobs.LostLease):
            await ACTS[act](zombie)
        assert await q.leave(job, "completed", result={"from": "beyond"}) is not None
        assert await q.get(added.id) == before
        assert await remembered_steps(q, added.id) == []
        assert (await q.db.read(jobs.queue_state))["ready"] == (since == "rescued")

    tell(tmp_path, story, clock=Clock())


def test_a_held_up_attempt_ends_without_a_word_once_it_finds_its_lease_lost(tmp_path: Path) -> None:
    gate, there = asyncio.Event(), asyncio.Event()

    async def run(job: "jobs.Running[Work]") -> None:
        there.set()
        await gate.wait()
        await job.progress(50, "from beyond")

    async def story(q: Queue) -> None:
        added = await q.add()
        job = await q.one(await q.worker())
        held_up = asyncio.create_task(attempt(q.db, jobs.Handler(WORK, run), job))
        await there.wait()
        q.clock.advance(31)
        await q.db.write(rescue.rescue, "worker-a")
        await q.leave(await q.one(await q.worker("worker-b")))
        gate.set()
        assert await held_up is None
        assert await q.events(added.id) == [
            "job_requested", "job_started", "job_progress", "job_started", "job_completed",
        ]  # fmt: skip

    tell(tmp_path, story, clock=Clock())


def test_a_worker_declared_dead_stops_its_work_and_registers_as_somebody_new(tmp_path: Path) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def run(job: "jobs.Running[Work]") -> dict[str, Any]:
        if job.fence == 1:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        return {"by": "the second"}

    async def story(q: Queue) -> None:
        async with pool(q, run, lease_seconds=3.0) as working:
            first = working.worker_id
            added = await q.add()
            await started.wait()

            def lapse(tx: Tx) -> int | None:
                tx.execute(update(workers).where(workers.c.id == first).values(lease_until=workers.c.started_at))
                return rescue.rescue(tx, first)

            assert await q.db.write(lapse) == 1
            await stopped.wait()
            (job,) = await ended(q, added.id)
            assert job.result == {"by": "the second"}
            assert working.worker_id != first
            states = await q.db.read(lambda tx: dict(tx.execute(select(workers.c.id, workers.c.state)).fetchall()))
            assert states == {first: "dead", working.worker_id: "alive"}

    tell(tmp_path, story)


def test_a_worker_declared_dead_can_claim_nothing(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        async with pool(q, _step) as working:
            first = working.worker_id
            await q.db.write(lambda tx: tx.execute(update(workers).values(state="dead")))
            (job,) = await ended(q, (await q.add()).id)
            assert working.worker_id != first
            assert job.attempt == 1
            assert await q.outcomes(job.id) == ["completed"]

    tell(tmp_path, story)


def test_leases_are_renewed_while_the_work_lasts(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def run(_job: "jobs.Running[Work]") -> None:
        await gate.wait()

    async def story(q: Queue) -> None:
        async with pool(q, run, lease_seconds=3.0) as working:
            added = await q.add()
            await until(q, added.id, "running")
            lease = select(workers.c.lease_until).where(workers.c.id == working.worker_id)
            first = await q.db.read(lambda tx: tx.execute(lease).scalar_one())

            async def renewed() -> bool:
                assert await jobs.sweep(q.db) == 0
                return await q.db.read(lambda tx: tx.execute(lease).scalar_one()) > first

            await poll_until_async(renewed)
            gate.set()
            assert (await ended(q, added.id))[0].attempt == 1

    tell(tmp_path, story)


def test_progress_between_losses_shows_that_the_job_is_not_to_blame(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        added = await q.add(max_attempts=25)
        for round_ in range(8):
            worker = await q.worker(f"worker-{round_}")
            job = await q.one(worker)
            if job.lost_count:
                await q.db.write(running.begin, job)
            if round_ % 2:
                await Running(job, Work(), q.db, {}).progress(round_, "further")
            q.clock.advance(31)
            await q.db.write(rescue.rescue, worker)
        assert await q.state(added.id) == "ready"

    tell(tmp_path, story, clock=Clock())


def test_a_crash_between_an_act_and_its_note_repeats_the_act_and_one_after_it_does_not(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        acts: list[str] = []

        class Gone(BaseException):
            pass

        async def run(job: "jobs.Running[Work]") -> None:
            async def act(name: str, last: bool) -> str:
                acts.append(name)
                if last and job.fence == 1:
                    raise Gone
                return name

            await job.step("one", lambda: act("one", False))
            await job.step("two", lambda: act("two", True))

        added = await q.add()
        with pytest.raises(Gone):
            await attempt(q.db, jobs.Handler(WORK, run), await q.one(await q.worker()))
        q.clock.advance(31)
        await q.db.write(rescue.rescue, "worker-a")
        again = await q.one()
        leave = await attempt(q.db, jobs.Handler(WORK, run), again)
        assert leave is not None
        await q.leave(again)
        assert acts == ["one", "two", "two"]
        assert await q.state(added.id) == "completed"

    tell(tmp_path, story, clock=Clock())


def test_what_a_step_returns_is_what_will_be_remembered(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        await q.add()
        job = Running(await q.one(), Work(), q.db, {})

        async def a_tuple() -> tuple[int, int]:
            return 1, 2

        with pytest.raises(TypeError, match="plain JSON"):
            await job.step("bad", a_tuple)
        with pytest.raises(TypeError, match="plain JSON"):
            await job.write_step("worse", lambda tx: tx.now)
        assert await job.write_step("good", lambda tx: [1, {"a": None}]) == [1, {"a": None}]
        assert await remembered_steps(q, job.id) == ["good"]
        (shown,) = await q.db.read(steps_of, job.id)
        assert (shown.name, shown.fence) == ("good", job.fence)

    tell(tmp_path, story, clock=Clock())


def test_a_job_that_waits_in_its_workers_queue_does_not_overrun(tmp_path: Path) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def run(_job: "jobs.Running[Work]") -> None:
        started.set()
        await gate.wait()

    async def story(q: Queue) -> None:
        async with pool(q, run, count=1, queue=1, lease_seconds=30.0) as working:
            runs, waits = await q.names(Work(), Work())
            await started.wait()

            async def waiting() -> list[Any]:
                return [held for held in working._tasks.values() if not held.begun]

            (held,) = await poll_until_async(waiting)  # the database may know of the claim before its worker does
            q.clock.advance(25)
            held.extended -= 59
            assert await working.standing.renew(10.0)
            q.clock.advance(46)
            assert await q.db.write(rescue.expire) == 1
            assert [await q.state(runs), await q.state(waits)] == ["scheduled", "running"]
            gate.set()
            assert (await ended(q, waits))[0].state == "completed"

    tell(tmp_path, story, clock=Clock())


def test_the_misfit_of_parameters_points_at_the_place() -> None:
    pointers = {
        "Expected `int`, got `str` - at `$.items[0].size`": "/parameters/items/0/size",
        "Object contains unknown field `a/b~c` - at `$.x`": "/parameters/x/a~1b~0c",
        "Object missing required field `id`": "/parameters/id",
    }
    for said, pointer in pointers.items():
        assert kinds.misfit(said, "/parameters").errors[0]["pointer"] == pointer
