"""Cancel and retry in every state a job can be in, and what is kept of it."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from clustergenie import jobs
from clustergenie.jobs import rescue, running
from clustergenie.jobs.models import JobEnded, JobLive, KeyReused
from clustergenie.jobs.tables import attempts, idempotency_keys, schedule_fires, steps
from clustergenie.jobs.tables import jobs as table
from clustergenie.platform.db import Tx
from tests.jobs.queues import OTHER, Clock, Queue, Work, item, tell


async def in_state(q: Queue, state: str) -> str:
    """A job that has come to be in that state the way jobs do."""
    if state == "scheduled":
        return (await q.add(run_at=q.clock.now + dt.timedelta(hours=1))).id
    job_id = (await q.add()).id
    if state == "ready":
        return job_id
    if state == "cancelled":
        await q.db.write(jobs.cancel, job_id)
        return job_id
    if state == "dead":
        for n in range(3):
            job = await q.one(await q.worker(f"worker-{n}"))
            if job.lost_count:
                await q.db.write(running.begin, job)
            q.clock.advance(31)
            await q.db.write(rescue.rescue, f"worker-{n}")
        return job_id
    job = await q.one()
    if state != "running":
        await q.leave(job, state, error="no luck" if state == "failed" else None)
    return job_id


@pytest.mark.parametrize("state", ["scheduled", "ready"])
def test_a_job_that_waits_is_cancelled_at_once(tmp_path: Path, state: str) -> None:
    async def story(q: Queue) -> None:
        job_id = await in_state(q, state)
        assert (await q.db.write(jobs.cancel, job_id)).status == "cancelled"
        assert await q.events(job_id) == ["job_requested", "job_cancelled"]
        q.clock.advance(7200)
        await q.db.write(q.store.promote, 10)
        assert await q.claim() == []

    tell(tmp_path, story, clock=Clock())


def test_a_running_job_is_asked_to_stop_once_and_stops_with_its_attempt(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        await q.names(Work())
        job = await q.one()
        for _ in range(2):
            asked = await q.db.write(jobs.cancel, job.id)
            assert (asked.state, asked.version) == ("running", 3)
        await q.leave(job, "cancelled", error="cancelled on request")
        assert await q.state(job.id) == "cancelled"
        assert await q.outcomes(job.id) == ["cancelled"]

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("outcome", ["retry", "handed_back"])
def test_a_job_asked_to_stop_does_not_start_again_however_its_attempt_ends(tmp_path: Path, outcome: str) -> None:
    async def story(q: Queue) -> None:
        await q.names(Work())
        job = await q.one()
        await q.db.write(jobs.cancel, job.id)
        await q.leave(job, outcome, error="its cleaning up failed")
        assert await q.state(job.id) == "cancelled"

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_cancel_that_comes_too_late_does_not_undo_the_end(tmp_path: Path, end: str) -> None:
    async def story(q: Queue) -> None:
        await q.names(Work())
        job = await q.one()
        await q.db.write(jobs.cancel, job.id)
        await q.leave(job, end)
        assert await q.state(job.id) == end

    tell(tmp_path, story, clock=Clock())


def test_a_job_asked_to_stop_ends_with_the_loss_or_the_overrun_of_its_worker(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        worker = await q.worker()
        lost, hung = await q.names(Work(), Work())
        await q.one(worker)
        await q.one("worker-b")
        for job_id in (lost, hung):
            await q.db.write(jobs.cancel, job_id)
        q.clock.advance(71)
        await q.db.write(rescue.rescue, worker)
        await q.db.write(rescue.expire)
        assert [await q.state(lost), await q.state(hung)] == ["cancelled", "cancelled"]

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("state", ["completed", "failed", "dead", "cancelled"])
def test_what_has_ended_cannot_be_cancelled(tmp_path: Path, state: str) -> None:
    async def story(q: Queue) -> None:
        job_id = await in_state(q, state)
        with pytest.raises(JobEnded, match=f"already ended as {state}"):
            await q.db.write(jobs.cancel, job_id)

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("state", ["failed", "dead", "cancelled"])
def test_what_has_ended_badly_can_be_tried_again_and_its_attempts_are_kept(tmp_path: Path, state: str) -> None:
    async def story(q: Queue) -> None:
        job_id = await in_state(q, state)
        before = await q.outcomes(job_id)
        again = await q.db.write(jobs.retry, job_id)
        assert (again.state, again.error, again.completed_at) == ("ready", None, None)
        assert again.max_attempts > again.attempt
        await q.leave(await q.one())
        assert await q.state(job_id) == "completed"
        assert await q.outcomes(job_id) == [*before, "completed"]

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("state", ["scheduled", "ready", "running"])
def test_what_has_not_ended_cannot_be_tried_again(tmp_path: Path, state: str) -> None:
    async def story(q: Queue) -> None:
        with pytest.raises(JobLive):
            await q.db.write(jobs.retry, await in_state(q, state))

    tell(tmp_path, story, clock=Clock())


def test_what_completed_is_not_repeated(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        with pytest.raises(JobEnded):
            await q.db.write(jobs.retry, await in_state(q, "completed"))

    tell(tmp_path, story, clock=Clock())


def test_a_retry_is_refused_while_another_job_does_the_same_work(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        first = await q.add(Work(unique="u"))
        await q.leave(await q.one(), "failed")
        await q.add(Work(unique="u"))
        with pytest.raises(jobs.JobConflict):
            await q.db.write(jobs.retry, first.id)
        assert await q.state(first.id) == "failed"

    tell(tmp_path, story, clock=Clock())


def test_unknown_jobs_are_not_found(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        for act in (jobs.cancel, jobs.retry, jobs.get):
            with pytest.raises(jobs.JobNotFound):
                await q.db.write(act, "job-nobody-knows")

    tell(tmp_path, story, clock=Clock())


def test_concurrent_requests_for_the_same_work_lead_to_one_job(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        def alone(tx: Tx) -> jobs.Job:
            return jobs.enqueue(tx, jobs.find("work"), Work(unique="u"))

        batched = [q.submit(item(Work(unique="u"))) for _ in range(20)]
        single = [q.db.write(alone) for _ in range(20)]
        answers = await asyncio.gather(*batched, *single)
        assert len({getattr(answer, "job", answer).id for answer in answers}) == 1
        await q.leave(await q.one())
        assert (await q.submit(item(Work(unique="u")))).created

    tell(tmp_path, story, clock=Clock())


def test_a_unique_key_of_another_type_is_a_conflict_not_an_answer(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        await q.add(Work(unique="u"))
        with pytest.raises(jobs.JobConflict, match="another key"):
            await q.submit(item(Work(unique="u"), OTHER))

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize("together", [True, False])
def test_an_idempotency_key_leads_to_one_job_and_is_refused_for_another_request(tmp_path: Path, together: bool) -> None:
    async def story(q: Queue) -> None:
        asked = [item(idempotency_key="k", request_hash=text) for text in ("one", "one", "another", "one")]
        if together:
            answers = await asyncio.gather(*(q.submit(one) for one in asked), return_exceptions=True)
        else:
            answers = [(await asyncio.gather(q.submit(one), return_exceptions=True))[0] for one in asked]
        first, again, other, last = answers
        assert (first.created, again.created, last.created) == (True, False, False)
        assert first.job.id == again.job.id == last.job.id
        assert isinstance(other, KeyReused)

    tell(tmp_path, story, clock=Clock())


def test_a_bad_row_in_a_batch_fails_alone(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        class Unstorable:
            __struct_fields__ = ("secret",)
            secret = object()
            serial = unique = cluster_id = None

        asked = [
            item(),
            item(Unstorable()),
            item(),
            item(Work(serial="x")),
            item(Work(serial="x"), on_conflict="reject"),
        ]
        gone = asyncio.ensure_future(q.submit(item(Work("gone"))))
        waiting = [asyncio.ensure_future(q.submit(one)) for one in asked]
        await asyncio.sleep(0)
        gone.cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(answer, jobs.Accepted) for answer in answers] == [True, False, True, True, False]

    tell(tmp_path, story, clock=Clock())


def test_replacing_cancels_what_is_in_the_way_and_takes_its_turn(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        running, waiting = await q.names(Work(serial="a"), Work(serial="a"))
        job = await q.one()
        newest = (await q.submit(item(Work(serial="a"), on_conflict="replace"))).job
        assert await q.state(waiting) == "cancelled"
        assert (await q.get(running)).cancel_requested_at is not None
        assert await q.claim() == []
        await q.leave(job, "cancelled")
        assert [job.id for job in await q.claim()] == [newest.id]

    tell(tmp_path, story, clock=Clock())


def test_what_is_in_the_way_is_named_when_a_request_will_not_wait(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        first = await q.add(Work(serial="a"))
        with pytest.raises(jobs.JobConflict) as refused:
            await q.submit(item(Work(serial="a"), on_conflict="reject"))
        assert refused.value.extra == {"job_id": first.id}
        assert (await q.submit(item(Work(serial="b"), on_conflict="reject"))).created

    tell(tmp_path, story, clock=Clock())


def test_a_hook_that_raises_does_not_keep_a_job_from_ending(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        await q.names(Work("its hook raises"), Work("fine"))
        for job in await q.claim():
            assert await q.leave(job) is None
            assert await q.state(job.id) == "completed"

    tell(tmp_path, story, clock=Clock())


def test_old_jobs_are_forgotten_with_everything_about_them(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        old = await q.submit(item(idempotency_key="k", request_hash="h"))
        job = await q.one()
        await q.db.write(lambda tx: tx.execute(insert(steps).values(job_id=job.id, step="s", fence=1, at=tx.now)))
        await q.leave(job)
        waiting = await q.add()
        q.clock.advance(3600)
        assert await q.db.write(jobs.prune, q.clock.now) == 0  # its key still leads to it
        q.clock.advance(24 * 3600)
        young = await q.add()
        await q.db.write(jobs.cancel, young.id)
        assert await q.db.write(jobs.prune, q.clock.now) == 1
        for other in (attempts, steps, idempotency_keys, schedule_fires):
            count = select(func.count()).select_from(other)
            assert await q.db.read(lambda tx, count=count: tx.execute(count).scalar_one()) == 0
        left = await q.db.read(lambda tx: set(tx.execute(select(table.c.id)).scalars()))
        assert left == {waiting.id, young.id}
        assert (await q.submit(item(idempotency_key="k", request_hash="h"))).job.id != old.job.id

    tell(tmp_path, story, clock=Clock())
