"""A real pool at work: what becomes of attempts, cancels, deadlines, stops and crowds."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clustergenie import jobs
from clustergenie.jobs import signals
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict, Invalid, Problem, Unavailable
from tests.jobs.pools import Run, ended, pool, until
from tests.jobs.queues import OTHER, Queue, Work, item, remembered_steps, tell
from tests.waiting import poll_until_async


class TooMany(Problem):
    """Slow down."""

    status = 429


GROUP = ExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [jobs.Fail("deep")])])


def raising(*failures: BaseException) -> Run:
    """A handler that raises these, one an attempt, and then completes."""

    async def run(job: "jobs.Running[Work]") -> dict[str, Any]:
        if job.attempt <= len(failures):
            raise failures[job.attempt - 1]
        return {"attempt": job.attempt}

    return run


def test_a_job_completes_with_its_result_and_says_so_in_order(tmp_path: Path) -> None:
    async def run(job: "jobs.Running[Work]") -> dict[str, Any]:
        await job.progress(30, "a third", machines=1)
        return {"name": job.parameters.name}

    async def story(q: Queue) -> None:
        async with pool(q, run):
            added = await q.add(Work("x"))
            (job,) = await ended(q, added.id)
        assert (job.status, job.progress, job.result, job.attempt) == ("completed", 100, {"name": "x"}, 1)
        assert await q.events(job.id) == ["job_requested", "job_started", "job_progress", "job_completed"]

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("failures", "state", "error", "outcomes"),
    [
        ([jobs.Fail("hopeless")], "failed", "hopeless", ["failed"]),
        ([jobs.Retry("later", 0.0)], "completed", None, ["retry", "completed"]),
        ([jobs.Retry("later", 0.0)] * 3, "failed", "later (gave up after 3 attempts)", ["retry", "retry", "failed"]),
        ([Invalid("bad name")], "failed", "bad name", ["failed"]),
        ([Conflict("taken")], "failed", "taken", ["failed"]),
        ([Unavailable("busy", retry_after=0)], "completed", None, ["retry", "completed"]),
        ([TooMany("slow", retry_after=0)], "completed", None, ["retry", "completed"]),
        ([GROUP], "failed", "deep", ["failed"]),
    ],
)  # fmt: skip
def test_what_a_handler_raises_decides_what_becomes_of_the_job(
    tmp_path: Path, failures: list[Exception], state: str, error: str | None, outcomes: list[str]
) -> None:
    async def story(q: Queue) -> None:
        added = await q.add(max_attempts=3)
        async with pool(q, raising(*failures)):
            (job,) = await ended(q, added.id)
        assert (job.state, job.error) == (state, error)
        assert await q.outcomes(job.id) == outcomes

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (TimeoutError("the cloud"), "TimeoutError: the cloud"),
        (asyncio.CancelledError(), "the handler was cancelled from within"),
        (ValueError("\udcff" + "x" * 10_000), "ValueError: ?xxx"),
    ],
)
def test_an_unforeseen_failure_is_tried_again_after_a_while(tmp_path: Path, failure: BaseException, said: str) -> None:
    async def story(q: Queue) -> None:
        added = await q.add()
        async with pool(q, raising(failure)):
            job = await until(q, added.id, "scheduled", "completed")
        assert job.error is None or job.error.startswith(said)
        assert len(job.error or "") < 5000
        assert (await q.outcomes(job.id))[0] == "retry"

    tell(tmp_path, story)


def test_a_result_that_is_not_json_fails_the_job_at_once(tmp_path: Path) -> None:
    async def run(_job: "jobs.Running[Work]") -> dict[str, Any]:
        return {"x": object()}

    async def story(q: Queue) -> None:
        added = await q.add()
        async with pool(q, run):
            (job,) = await ended(q, added.id)
        assert job.state == "failed"
        assert "not JSON" in str(job.error)

    tell(tmp_path, story)


def test_an_attempt_ends_at_its_deadline(tmp_path: Path) -> None:
    async def run(job: "jobs.Running[Work]") -> None:
        if job.attempt == 1:
            await asyncio.Event().wait()

    brief = jobs.Kind("brief", Work, timeout_seconds=1)

    async def story(q: Queue) -> None:
        added = (await q.submit(item(kind=brief, max_attempts=1))).job
        working = jobs.Pool(q.db, q.store, [jobs.Handler(brief, run)], count=1, queue=0)
        await working.start(alone=True)
        (job,) = await ended(q, added.id)
        await working.stop()
        assert job.error == "exceeded its limit of 1 s (gave up after 1 attempts)"

    tell(tmp_path, story)


def test_a_type_without_a_handler_fails_with_a_reason(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        added = (await q.submit(item(kind=OTHER))).job
        async with pool(q, raising()):
            (job,) = await ended(q, added.id)
        assert job.error == "this version has no handler for jobs of type another"

    tell(tmp_path, story)


def test_a_pool_holds_no_more_than_its_slots_and_its_queue(tmp_path: Path) -> None:
    gate = asyncio.Event()
    most = 0

    async def run(_job: "jobs.Running[Work]") -> None:
        await gate.wait()

    async def story(q: Queue) -> None:
        nonlocal most
        ids = [(await q.add()).id for _ in range(30)]
        async with pool(q, run, count=3, queue=5) as working:

            async def full() -> bool:
                nonlocal most
                state = await q.db.read(jobs.queue_state)
                most = max(most, state["running"])
                seen = working.snapshot()
                return (seen["active_workers"], seen["queue_length"], state["running"]) == (3, 5, 8)

            await poll_until_async(full)
            for _ in range(10):
                signals.wake()
                await full()
            gate.set()
            await ended(q, *ids)
        assert most == 8

    tell(tmp_path, story)


def test_the_next_of_a_serial_key_starts_as_soon_as_the_one_before_has_ended(tmp_path: Path) -> None:
    async def run(_job: "jobs.Running[Work]") -> None:
        return None

    async def story(q: Queue) -> None:
        ids = await q.names(*[Work(serial="a")] * 40)
        async with pool(q, run):
            # Without a wake after each end this would take a poll for each of them: 40 s.
            await poll_until_async(lambda: _all_done(q, ids))

    tell(tmp_path, story)


async def _all_done(q: Queue, ids: list[str]) -> bool:
    return (await q.db.read(jobs.queue_state))["ready"] == 0 and await q.state(ids[-1]) == "completed"


def test_cancelling_reaches_jobs_that_wait_run_and_clean_up(tmp_path: Path) -> None:
    started, cleaned, cleanups = asyncio.Event(), asyncio.Event(), 0

    async def run(job: "jobs.Running[Work]") -> None:
        nonlocal cleanups
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cleanups += 1
            await cleaned.wait()
            await job.progress(50, "cleaned up")
            raise

    async def story(q: Queue) -> None:
        async with pool(q, run, count=1, queue=2):
            running, waiting = await q.names(Work(), Work())
            await started.wait()
            await until(q, waiting, "running")
            await q.db.write(jobs.cancel, waiting)
            assert (await until(q, waiting, "cancelled")).attempt == 1
            for _ in range(3):  # asking again does not interrupt the cleaning up
                await q.db.write(jobs.cancel, running)
            cleaned.set()
            job = await until(q, running, "cancelled")
        assert (cleanups, job.error) == (1, "cancelled on request")
        assert await q.outcomes(running) == ["cancelled"]

    tell(tmp_path, story)


@dataclass
class CancelledAtOnce:
    """Each job is asked to stop by the commit that claims it, so its pool hears of that before it has the job."""

    store: jobs.Store

    def claim(self, tx: Tx, worker_id: str, limit: int) -> list[jobs.Claimed]:
        claimed = self.store.claim(tx, worker_id, limit)
        for job in claimed:
            jobs.cancel(tx, job.id)
        return claimed

    def promote(self, tx: Tx, limit: int) -> int:
        return self.store.promote(tx, limit)


def test_a_cancel_that_is_heard_before_the_job_has_begun_is_heeded(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        q.store = CancelledAtOnce(q.store)
        async with pool(q, raising()):
            done = await ended(q, *await q.names(Work(), Work()))
        assert {job.state for job in done} == {"cancelled"}

    tell(tmp_path, story)


def test_a_handler_that_swallows_its_cancellation_may_complete(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def run(_job: "jobs.Running[Work]") -> dict[str, Any]:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"too": "late"}
        return {}

    async def story(q: Queue) -> None:
        async with pool(q, run):
            added = await q.add()
            await started.wait()
            await q.db.write(jobs.cancel, added.id)
            (job,) = await ended(q, added.id)
        assert (job.state, job.result) == ("completed", {"too": "late"})

    tell(tmp_path, story)


def test_a_stop_hands_back_what_runs_and_waits_and_counts_no_attempt(tmp_path: Path) -> None:
    both = asyncio.Barrier(3)  # two handlers and the story

    async def run(job: "jobs.Running[Work]") -> None:
        await job.write_step("once", lambda tx: None)
        await both.wait()
        await asyncio.Event().wait()

    async def story(q: Queue) -> None:
        ids = await q.names(*[Work()] * 6)
        async with pool(q, run, count=2, queue=2):
            await both.wait()
        for job_id in ids:
            job = await q.get(job_id)
            assert (job.state, job.attempt) == ("ready", 0)
            assert set(await q.outcomes(job_id)) <= {"handed_back"}
        assert "once" in await remembered_steps(q, ids[0])
        async with pool(q, raising()):
            done = await ended(q, *ids)
        assert {(job.state, job.attempt) for job in done} == {("completed", 1)}

    tell(tmp_path, story)


def test_a_step_done_before_a_hand_back_is_not_done_again(tmp_path: Path) -> None:
    acts: list[str] = []
    started, gate = asyncio.Event(), asyncio.Event()

    async def run(job: "jobs.Running[Work]") -> None:
        async def act() -> str:
            acts.append(job.id)
            return "done"

        assert await job.step("act", act) == "done"
        started.set()
        await gate.wait()

    async def story(q: Queue) -> None:
        added = await q.add()
        async with pool(q, run):
            await started.wait()
        gate.set()
        async with pool(q, run):
            (job,) = await ended(q, added.id)
        assert (job.state, job.attempt, acts) == ("completed", 1, [job.id])

    tell(tmp_path, story)


def test_a_stop_during_a_claim_loses_no_job(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        for _ in range(15):
            working = jobs.Pool(q.db, q.store, [], count=5, queue=5)
            await working.start(alone=False)
            await q.names(*[Work(serial=None)] * 3)
            await working.stop()
            state = await q.db.read(jobs.queue_state)
            assert (state["running"], state["workers"]) == (0, [])

    tell(tmp_path, story)


def test_a_stop_does_not_wait_for_ever_for_a_handler_that_does_not_heed_it(tmp_path: Path) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def run(_job: "jobs.Running[Work]") -> None:
        started.set()
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    async def story(q: Queue) -> None:
        added = await q.add()
        async with pool(q, run, stop_seconds=0.1):
            await started.wait()
        assert await q.state(added.id) == "running"
        assert await jobs.sweep(q.db) == 1
        assert await q.state(added.id) == "ready"
        gate.set()
        async with pool(q, raising()):
            assert (await ended(q, added.id))[0].state == "completed"

    tell(tmp_path, story)
