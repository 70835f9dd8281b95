"""Run a real pool for one test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from clustergenie import jobs
from clustergenie.jobs import signals
from tests.jobs.queues import TERMINAL, WORK, Queue, Work
from tests.waiting import poll_until_async

Run = Callable[["jobs.Running[Work]"], Awaitable[dict[str, Any] | None]]


@asynccontextmanager
async def pool(q: Queue, run: Run, *, alone: bool = False, **more: Any) -> AsyncIterator[jobs.Pool]:
    """A pool that works with `run` while the block lasts."""
    sizes = {"count": 4, "queue": 8, "stop_seconds": 2.0} | more
    working = jobs.Pool(q.db, q.store, [jobs.Handler(WORK, run)], **sizes)
    await working.start(alone=alone)
    try:
        yield working
    finally:
        await working.stop()


async def ended(queue: Queue, *job_ids: str, seconds: float = 20.0) -> list[jobs.Job]:
    """The jobs, once all of them have ended. Wakes the pools, so that due retries need not wait for their poll."""

    async def all_ended() -> list[jobs.Job]:
        signals.wake()
        found = [await queue.get(job_id) for job_id in job_ids]
        return found if all(job.state in TERMINAL for job in found) else []

    return await poll_until_async(all_ended, seconds)


async def until(queue: Queue, job_id: str, *states: str) -> jobs.Job:
    """The job, once it is in one of these states."""

    async def there() -> jobs.Job | None:
        signals.wake()
        job = await queue.get(job_id)
        return job if job.state in states else None

    job = await poll_until_async(there, 20.0)
    assert job is not None
    return job
