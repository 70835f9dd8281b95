"""What every `jobs.Store` must do: one suite, run on each database we can use."""

import asyncio
import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from clustergenie import jobs
from clustergenie.jobs import lease, rescue, running
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.platform import leases
from clustergenie.platform.db import Tx
from tests.jobs.queues import OTHER, WORK, Clock, Queue, Story, Work, item, opened, tell

On = Callable[[Story], None]


@pytest.fixture
def on(tmp_path: Path) -> On:
    """Tell a story on a new queue whose clock stands still; CG_TEST_DATABASE says on which database."""
    return lambda story: tell(tmp_path, story, clock=Clock())


def test_claims_go_by_priority_then_by_time_then_by_id(on: On) -> None:
    async def story(q: Queue) -> None:
        wanted = []
        for place in range(12):
            q.clock.advance(place % 3 == 0)
            wanted.append(await q.add(priority=place % 2 * 10))
        claimed = await q.claim(100)
        assert [job.id for job in claimed] == [
            job.id for job in sorted(wanted, key=lambda job: (job.priority, job.run_at, job.id))
        ]

    on(story)


def test_a_claim_takes_no_more_than_it_was_asked_to_and_never_one_twice(on: On) -> None:
    async def story(q: Queue) -> None:
        await q.names(*[Work()] * 7)
        batches = [await q.claim(3), await q.claim(3, "worker-b"), await q.claim(3), await q.claim(3)]
        assert [len(batch) for batch in batches] == [3, 3, 1, 0]
        assert len({job.id for batch in batches for job in batch}) == 7
        assert {job.fence for batch in batches for job in batch} == {1}
        assert {job.attempt for batch in batches for job in batch} == {1}

    on(story)


def test_claimers_at_the_same_time_share_the_jobs(on: On) -> None:
    async def story(q: Queue) -> None:
        await q.names(*[Work()] * 50)
        batches = await asyncio.gather(*(q.claim(10, f"worker-{n}") for n in range(8)))
        ids = [job.id for batch in batches for job in batch]
        assert len(ids) == len(set(ids)) == 50

    on(story)


def test_never_two_jobs_of_a_serial_key_and_those_without_one_do_not_wait(on: On) -> None:
    async def story(q: Queue) -> None:
        first, second, free, other = await q.names(Work(serial="a"), Work(serial="a"), Work(), Work(serial="b"))
        claimed = {job.id: job for job in await q.claim(100)}
        assert set(claimed) == {first, free, other}
        assert await q.claim(100) == []
        later = (await q.add()).id
        assert [job.id for job in await q.claim(100)] == [later]
        await q.leave(claimed[first])
        assert [job.id for job in await q.claim(100)] == [second]

    on(story)


def test_a_serial_key_is_first_in_first_out_across_retries_and_priorities(on: On) -> None:
    async def story(q: Queue) -> None:
        first = await q.add(Work(serial="a"), priority=900)
        second = await q.add(Work(serial="a"), priority=1)
        job = await q.one()
        assert job.id == first.id
        await q.leave(job, "retry", error="not yet", delay_seconds=30.0)
        assert await q.claim() == []
        q.clock.advance(31)
        assert await q.db.write(q.store.promote, 10) == 1
        job = await q.one()
        assert (job.id, job.attempt) == (first.id, 2)
        await q.leave(job)
        assert [job.id for job in await q.claim()] == [second.id]

    on(story)


def test_a_serial_key_keeps_the_order_in_which_one_transaction_asked(on: On) -> None:
    async def story(q: Queue) -> None:
        asked = [(WORK, "1"), (OTHER, "2"), (WORK, "3"), (OTHER, "4")]

        def ask(tx: Tx) -> list[str]:
            return [jobs.enqueue(tx, kind, Work(name, serial="a")).id for kind, name in asked]

        ids = await q.db.write(ask)
        done = []
        for _ in ids:
            job = await q.one()
            done.append(job.id)
            await q.leave(job)
        assert done == ids

    on(story)


def test_a_serial_key_keeps_its_order_when_the_clock_is_set_back(tmp_path: Path) -> None:
    async def story() -> list[str]:
        clock = Clock()
        async with opened(tmp_path / "jobs.db", clock) as q:
            first = (await q.add(Work(serial="a"))).id
        clock.advance(-3600)
        async with opened(tmp_path / "jobs.db", clock) as q:
            second = (await q.add(Work(serial="a"))).id
            q.clock.advance(7200)
            job = await q.one()
            assert job.id == first
            await q.leave(job)
            assert (await q.one()).id == second
        return [first, second]

    asyncio.run(story())


def test_a_job_for_later_holds_up_nobody_of_its_key(on: On) -> None:
    async def story(q: Queue) -> None:
        later = await q.add(Work(serial="a"), run_at=q.clock.now + dt.timedelta(hours=1))
        now = await q.add(Work(serial="a"))
        assert later.state == "scheduled"
        job = await q.one()
        assert job.id == now.id
        q.clock.advance(3601)
        assert await q.db.write(q.store.promote, 10) == 1
        assert await q.claim() == []
        await q.leave(job)
        assert (await q.one()).id == later.id

    on(story)


def test_only_what_is_due_is_promoted_and_the_earliest_first(on: On) -> None:
    async def story(q: Queue) -> None:
        waits = [30, 10, 20, 4000]
        made = [(await q.add(run_at=q.clock.now + dt.timedelta(seconds=s))).id for s in waits]
        assert await q.db.write(q.store.promote, 10) == 0
        q.clock.advance(60)
        assert await q.db.write(q.store.promote, 2) == 2
        assert [await q.state(job_id) for job_id in made] == ["scheduled", "ready", "ready", "scheduled"]
        assert await q.db.write(q.store.promote, 10) == 1

    on(story)


def test_the_end_of_an_attempt_is_refused_to_every_other_fence(on: On) -> None:
    async def story(q: Queue) -> None:
        await q.names(Work(), Work(), Work())
        a, b, c = await q.claim()
        leaves = [
            Leave(a.id, a.fence, "completed", result={"n": 1}),
            Leave(b.id, b.fence + 1, "completed"),
            Leave(b.id, b.fence - 1, "failed"),
            Leave("job-nobody-knows", 1, "completed"),
            Leave(c.id, c.fence, "failed", error="no"),
            Leave(c.id, c.fence, "completed"),
        ]
        answers = await q.db.write(leave_many, leaves)
        assert [type(answer) for answer in answers] == [
            type(None), jobs.LostLease, jobs.LostLease, jobs.LostLease, type(None), jobs.LostLease,
        ]  # fmt: skip
        assert [await q.state(job.id) for job in (a, b, c)] == ["completed", "running", "failed"]
        assert isinstance(await q.leave(a), jobs.LostLease)
        assert (await q.get(a.id)).result == {"n": 1}

    on(story)


def test_of_two_rescuers_one_wins(on: On) -> None:
    async def story(q: Queue) -> None:
        worker = await q.worker()
        await q.names(Work(), Work())
        await q.claim()
        assert await q.db.write(rescue.rescue, worker) is None
        q.clock.advance(31)
        answers = await asyncio.gather(*(q.db.write(rescue.rescue, worker) for _ in range(4)))
        assert sorted(answers, key=str) == [2, None, None, None]

    on(story)


def test_of_a_rescue_and_a_finish_exactly_one_wins(on: On) -> None:
    async def story(q: Queue) -> None:
        chance = random.Random(7)
        for round_ in range(12):
            worker = await q.worker(f"worker-{round_}")
            job_id = (await q.add()).id
            job = await q.one(worker)
            q.clock.advance(31)
            racers = [q.db.write(rescue.rescue, worker), q.leave_batched(Leave(job.id, job.fence, "completed"))]
            chance.shuffle(racers)
            answers = await asyncio.gather(*racers, return_exceptions=True)
            finished = not any(isinstance(answer, jobs.LostLease) for answer in answers)
            assert await q.state(job_id) == ("completed" if finished else "ready")
            assert await q.outcomes(job_id) == ["completed" if finished else "lost"]
            if not finished:
                await q.leave(await q.one(await q.worker(f"again-{round_}")))
            assert await q.state(job_id) == "completed"

    on(story)


def test_a_start_alone_takes_over_what_others_ran_and_the_leases_they_held(on: On) -> None:
    async def story(q: Queue) -> None:
        await q.worker("worker-old")
        await q.worker("worker-new")
        theirs, mine = await q.names(Work(), Work())
        assert (await q.one("worker-old")).id == theirs
        assert (await q.one("worker-new")).id == mine
        from_old = await q.db.write(leases.acquire, "some tick", "worker-old", 30.0)
        assert from_old == 1
        assert await q.db.write(rescue.take_over, "worker-new") == 1
        assert [await q.state(theirs), await q.state(mine)] == ["ready", "running"]
        assert await q.db.write(leases.acquire, "some tick", "worker-new", 30.0) == 2
        assert await q.db.write(rescue.rescue, "worker-old") is None

    on(story)


def test_running_jobs_of_workers_that_are_not_there_are_taken_back(on: On) -> None:
    async def story(q: Queue) -> None:
        await q.worker("worker-stays")
        await q.worker("worker-stopped")
        ids = await q.names(Work(), Work(), Work())
        for worker in ("worker-stays", "worker-stopped", "worker-unheard-of"):
            await q.one(worker)
        await q.db.write(lease.retire, "worker-stopped")
        assert await q.db.write(rescue.orphaned) == 2
        assert [await q.state(job_id) for job_id in ids] == ["running", "ready", "ready"]
        assert await q.db.write(rescue.orphaned) == 0

    on(story)


def test_an_attempt_that_overran_is_ended_and_tried_again_until_it_has_failed(on: On) -> None:
    async def story(q: Queue) -> None:
        job_id = (await q.add(max_attempts=2)).id
        job = await q.one()
        q.clock.advance(61)
        assert await q.db.write(rescue.expire) == 0  # its own worker has a moment to end it
        q.clock.advance(10)
        assert await q.db.write(rescue.expire) == 1
        assert await q.state(job_id) == "scheduled"
        assert isinstance(await q.leave(job), jobs.LostLease)
        q.clock.advance(60)
        await q.db.write(q.store.promote, 1)
        await q.one()
        q.clock.advance(71)
        await q.db.write(rescue.expire)
        assert await q.state(job_id) == "failed"
        assert await q.outcomes(job_id) == ["expired", "expired"]

    on(story)


def test_a_job_that_nobody_takes_fails_with_a_reason(on: On) -> None:
    async def story(q: Queue) -> None:
        job_id = (await q.add()).id
        q.clock.advance(24 * 3600 + 1)
        assert await q.db.write(rescue.expire) == 1
        assert (await q.get(job_id)).error == "no worker took it within 24 hours"

    on(story)


def test_three_losses_without_progress_end_a_job_and_those_that_only_waited_are_not_blamed(on: On) -> None:
    async def story(q: Queue) -> None:
        poison, bystander = await q.names(Work("poison"), Work("bystander"))
        for round_ in range(3):
            worker = await q.worker(f"worker-{round_}")
            for job in await q.claim(10, worker):
                if job.id == poison and job.lost_count:
                    await q.db.write(running.begin, job)
            q.clock.advance(31)
            await q.db.write(rescue.rescue, worker)
        assert await q.state(poison) == "dead"
        assert "lost 3 times" in str((await q.get(poison)).error)
        waiting = await q.get(bystander)
        assert (waiting.state, waiting.attempt) == ("ready", 1)
        assert await q.outcomes(bystander) == ["lost"] * 3

    on(story)


def test_an_urgent_crowd_cannot_starve_a_job_that_waits(on: On) -> None:
    async def story(q: Queue) -> None:
        patient = await q.add(priority=1000)
        for _ in range(200):
            q.clock.advance(61)
            await q.names(*[Work()] * 2, priority=50)
            await q.db.write(jobs.age)
            (job,) = await q.claim(1)
            await q.leave(job)
            if job.id == patient.id:
                return
        pytest.fail("it starved")

    on(story)


def test_requests_of_one_batch_see_each_other(on: On) -> None:
    async def story(q: Queue) -> None:
        asked = [
            item(Work(serial="a")),
            item(Work(serial="a"), on_conflict="reject"),
            item(Work(serial="b"), on_conflict="reject"),
            item(Work(serial="b"), on_conflict="reject"),
            item(Work(unique="u")),
            item(Work(unique="u")),
            item(job_id="job-from-elsewhere"),
            item(job_id="job-from-elsewhere"),
        ]
        answers = await asyncio.gather(*(q.submit(one) for one in asked), return_exceptions=True)
        kinds = [answer.created if isinstance(answer, jobs.Accepted) else type(answer) for answer in answers]
        assert kinds == [True, jobs.JobConflict, True, jobs.JobConflict, True, False, True, False]

    on(story)
