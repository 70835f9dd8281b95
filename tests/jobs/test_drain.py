"""A drain: no new work, what runs may end within a bound, what waits goes back, and a second wish ends the wait."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import select

from clustergenie import jobs
from clustergenie.jobs import ticks
from clustergenie.jobs.tables import workers
from clustergenie.platform import leases
from tests.jobs.pools import pool, until
from tests.jobs.queues import Clock, Queue, tell
from tests.waiting import poll_until_async

LONG = 60.0


def test_what_runs_ends_and_what_waits_is_handed_back_and_nothing_more_is_taken(tmp_path: Path) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def run(job: "jobs.Running[Any]") -> dict[str, Any]:
        started.set()
        await gate.wait()
        return {}

    async def story(q: Queue) -> None:
        first = await q.add()
        async with pool(q, run, count=1, queue=4) as working:
            await started.wait()
            second = await q.add()
            await until(q, second.id, "running")  # claimed; it waits for the slot
            draining = asyncio.create_task(working.drain(LONG, asyncio.Event()))
            assert (await until(q, second.id, "ready")).attempt == 0
            third = await q.add()
            gate.set()
            await draining
            assert (await until(q, first.id, "completed")).attempt == 1
            assert await q.state(third.id) == "ready"
            state = await q.db.read(lambda tx: tx.execute(select(workers.c.state)).scalar())
            assert state == "draining"

    tell(tmp_path, story)


def test_a_second_wish_ends_the_wait_and_the_job_goes_back_without_a_loss(tmp_path: Path) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def run(job: "jobs.Running[Any]") -> None:
        started.set()
        await never.wait()

    async def story(q: Queue) -> None:
        added = await q.add()
        async with pool(q, run) as working:
            await started.wait()
            hasten = asyncio.Event()
            draining = asyncio.create_task(working.drain(LONG, hasten))
            hasten.set()
            await draining
        job = await q.get(added.id)
        assert (job.state, job.attempt) == ("ready", 0)

    tell(tmp_path, story)


def test_a_leader_that_slept_through_its_term_writes_nothing(tmp_path: Path) -> None:
    asleep, wake = asyncio.Event(), asyncio.Event()
    outcomes: list[str] = []

    async def story(q: Queue) -> None:
        async def run() -> None:
            asleep.set()
            await wake.wait()
            try:
                await q.db.write(lambda tx: outcomes.append("written"))
            except ticks.TermOver:
                outcomes.append("refused")
                raise

        ticker = jobs.Ticker(q.db, "sleeper", [jobs.Tick("fenced", 3600, run)])
        await ticker.start()
        await asleep.wait()
        q.clock.advance(ticks.LEASE_SECONDS + 1)
        assert await q.db.write(leases.acquire, "fenced", "successor", 30.0) == 2
        wake.set()

        async def over() -> bool:
            return bool(outcomes)

        await poll_until_async(over)
        await ticker.stop()
        assert outcomes == ["refused"]

    tell(tmp_path, story, clock=Clock())
