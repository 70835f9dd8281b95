"""Ticks: one process at a time, failures counted, nudges heeded; and the leases they go by."""

import asyncio
from pathlib import Path

from clustergenie import jobs
from clustergenie.jobs import ticks
from clustergenie.platform import leases
from tests.jobs.queues import Clock, Queue, tell
from tests.waiting import poll_until_async


def test_a_named_lease_has_one_holder_and_its_term_grows_with_each_change(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        async def ask(holder: str) -> int | None:
            return await q.db.write(leases.acquire, "x", holder, 30.0)

        assert [await ask("a"), await ask("b"), await ask("a")] == [1, None, 1]
        q.clock.advance(31)
        assert [await ask("b"), await ask("a")] == [2, None]
        await q.db.write(leases.release, "x", "a")  # not its to give back
        assert await ask("a") is None
        await q.db.write(leases.release, "x", "b")
        assert [await ask("a"), await ask("b")] == [3, None]
        racing = await asyncio.gather(*(q.db.write(leases.acquire, "y", f"h{n}", 30.0) for n in range(5)))
        assert sorted(racing, key=str) == [1, None, None, None, None]

    tell(tmp_path, story, clock=Clock())


def test_of_two_tickers_one_runs_and_the_other_takes_over_when_it_stops(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        ran: list[str] = []

        def ticker(name: str) -> tuple[jobs.Ticker, jobs.Tick]:
            async def run() -> None:
                ran.append(name)

            tick = jobs.Tick("one at a time", 0.01, run)
            return jobs.Ticker(q.db, name, [tick]), tick

        (first, _), (second, _) = ticker("first"), ticker("second")
        await first.start()
        await poll_until_async(lambda: _soon(len(ran) > 3))
        await second.start()
        before = len(ran)
        await poll_until_async(lambda: _soon(len(ran) > before + 10))
        assert set(ran) == {"first"}
        await first.stop()
        await poll_until_async(lambda: _soon("second" in ran))
        await second.stop()
        assert ran[ran.index("second") :].count("first") == 0

    tell(tmp_path, story)


async def _soon(so: bool) -> bool:
    return so


def test_a_tick_that_fails_is_counted_and_comes_again_and_a_nudge_is_not_lost(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        rounds = 0

        async def run() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 1:
                tick.nudge()  # while it runs: the next round is due at once
                raise ValueError("the first round fails")

        tick = jobs.Tick("fails at first", 3600, run)
        failed = ticks.failures.labels("fails at first")
        ticker = jobs.Ticker(q.db, "holder", [tick])
        await ticker.start()
        await poll_until_async(lambda: _soon(rounds == 2))
        tick.nudge()
        await poll_until_async(lambda: _soon(rounds == 3))
        await ticker.stop()
        assert failed._value.get() == 1

    tell(tmp_path, story)
