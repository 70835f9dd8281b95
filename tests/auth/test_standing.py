"""What acts later does no more than the one who asked for it still may."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from clustergenie import auth, jobs
from clustergenie.auth import keys
from clustergenie.auth.models import GrantSpec, KeyChange, KeySpec
from clustergenie.jobs import attempt, schedules
from clustergenie.jobs.lease import Me, register
from clustergenie.platform.db import Database, Tx
from tests import databases
from tests.jobs.queues import START, Clock
from tests.waiting import poll_until_async

NIGHTLY = schedules.ScheduleSpec(name="nightly", cron="0 3 * * *", type="noop")


class Owner:
    """A key, and what is done as it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db, self.clock = db, clock
        self.ring = auth.Keyring(db, idle=dt.timedelta(hours=1), clock=clock)
        self.key_id = ""

    async def made(self) -> "Owner":
        await self.ring.start()
        first = KeySpec("first", [GrantSpec("admin")])
        await self.db.write(keys.create, self.ring, first)
        key, _ = await self.db.write(keys.create, self.ring, KeySpec("ci", [GrantSpec("operator")]))
        self.key_id = key.id
        return self

    async def does(self, fn: Callable[..., Any], *args: Any, **more: Any) -> Any:
        grants = (auth.Grant("operator"),)
        who = auth.Principal(subject=f"key:{self.key_id}", name="ci", kind="key", grants=grants)
        with auth.acting_as(auth.Actor(who, "127.0.0.1", "r", "ab" * 16, "operator")):
            return await self.db.write(fn, *args, **more)

    async def run_one(self, job: jobs.Job) -> str:
        """How the job ends in a worker that begins now."""
        pool = jobs.Pool(self.db, jobs.store_for(self.db.dialect), [jobs.noop_handler], count=1, queue=0)
        await pool.start(alone=True)

        async def ended() -> jobs.Job:
            found = await self.db.read(jobs.get, job.id)
            assert found.completed_at is not None
            return found

        try:
            found = await poll_until_async(ended, 20)
        finally:
            await pool.stop()
        return f"{found.status} {found.error or ''}"

    async def claim(self) -> jobs.Claimed:
        """The only job, in the hands of a worker."""
        await self.db.write(register, "worker-1", Me(slots=1), 30.0)
        store = jobs.store_for(self.db.dialect)
        await self.db.write(store.promote, 10)
        (claimed,) = await self.db.write(store.claim, "worker-1", 1)
        return claimed


def run(folder: Path, story: Callable[[Owner], Awaitable[None]]) -> None:
    async def play() -> None:
        path, clock = folder / "a.db", Clock()
        databases.prepare(path)
        async with databases.running(path, clock=clock) as db:
            owner = await Owner(db, clock).made()
            try:
                await story(owner)
            finally:
                await owner.ring.stop()

    asyncio.run(play())


async def fired(owner: Owner, schedule_id: str) -> schedules.Schedule:
    owner.clock.advance(86_400)
    await schedules.fire_due(owner.db)
    return await owner.db.read(schedules.get, schedule_id)


def test_a_schedule_acts_as_its_creator_and_stops_with_them(tmp_path: Path) -> None:
    async def story(owner: Owner) -> None:
        made = await owner.does(schedules.create, NIGHTLY)
        assert made.created_by == f"key:{owner.key_id}"
        good = await fired(owner, made.id)
        assert good.last_error is None
        job = await owner.db.read(jobs.get, good.last_job_id or "")
        assert job.created_by == f"key:{owner.key_id}"
        lesser = KeyChange(grants=[GrantSpec("operator", ["cluster-9"])])
        await owner.db.write(keys.change, owner.ring, owner.key_id, lesser)
        assert "needs the role operator on all clusters" in str((await fired(owner, made.id)).last_error)
        await owner.db.write(keys.revoke, owner.ring, owner.key_id)
        assert "was revoked" in str((await fired(owner, made.id)).last_error)

    run(tmp_path, story)


def enqueue_for_tomorrow(tx: Tx) -> jobs.Job:
    return jobs.enqueue(tx, jobs.NOOP, jobs.understand(jobs.NOOP, {}), run_at=START + dt.timedelta(days=1))


def test_a_job_that_waited_does_nothing_for_one_who_was_revoked_meanwhile(tmp_path: Path) -> None:
    async def story(owner: Owner) -> None:
        job = await owner.does(enqueue_for_tomorrow)
        owner.clock.advance(2 * 86_400)
        await owner.db.write(keys.revoke, owner.ring, owner.key_id)
        assert (await owner.run_one(job)).startswith("failed key:")

    run(tmp_path, story)


def test_nor_one_that_waited_for_its_turn_after_it_was_claimed(tmp_path: Path) -> None:
    async def story(owner: Owner) -> None:
        await owner.does(enqueue_for_tomorrow)
        owner.clock.advance(2 * 86_400)
        claimed = await owner.claim()
        await owner.db.write(keys.revoke, owner.ring, owner.key_id)
        leave = await attempt.attempt(owner.db, jobs.noop_handler, claimed, waited_seconds=60.0)
        assert leave is not None
        assert (leave.outcome, str(leave.error)[:4]) == ("failed", "key:")

    run(tmp_path, story)


def test_and_does_its_work_for_one_who_still_may(tmp_path: Path) -> None:
    async def story(owner: Owner) -> None:
        job = await owner.does(enqueue_for_tomorrow)
        owner.clock.advance(2 * 86_400)
        assert (await owner.run_one(job)).startswith("completed")

    run(tmp_path, story)
