"""A subscriber of the live feed sees every event it asked for once, in order, or is told that it missed some."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clustergenie import events
from clustergenie.events import Filter, Live, Resync
from clustergenie.events.live import News, TooManySubscribers
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database
from clustergenie.platform.sqlite import engine_for
from tests.events.logs import emit, happened, opened
from tests.waiting import poll_until_async

EVERYTHING = Filter()


async def live_on(db: Database, **more: float) -> Live:
    live = Live(db, **more)
    await live.start()
    return live


async def subscribed(live: Live, count: int) -> None:
    async def there() -> bool:
        return live.subscribers == count

    await poll_until_async(there)


async def following(feed: AsyncIterator[News]) -> News:
    async with asyncio.timeout(30):
        return await anext(feed)


async def ids_until(feed: AsyncIterator[News], last: int) -> list[int]:
    """The ids that come, up to `last`; a Resync ends it as well, as -1."""
    seen: list[int] = []
    async with asyncio.timeout(60):
        async for news in feed:
            seen += [-1] if isinstance(news, Resync) else [event.id for event in news]
            if seen and (seen[-1] >= last or seen[-1] == -1):
                break
    return seen


def test_a_subscriber_sees_what_is_committed_from_then_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, happened("before"))
            live = await live_on(db)
            feed = live.follow(EVERYTHING, live.head)
            asked = asyncio.ensure_future(ids_until(feed, 3))
            await db.write(emit, happened("a"))
            await db.write(emit, happened("b"))
            assert await asked == [2, 3]

    asyncio.run(story())


@pytest.mark.parametrize("restarted", [False, True])
def test_a_subscriber_that_comes_back_misses_nothing(tmp_path: Path, restarted: bool) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            early = await live_on(db)
            await db.write(emit, *[happened("a", seq) for seq in range(1, 1201)])
            live = await live_on(db) if restarted else early
            assert await ids_until(live.follow(EVERYTHING, 7), 1200) == list(range(8, 1201))

    asyncio.run(story())


@pytest.mark.parametrize("restarted", [False, True])
def test_a_filter_lets_through_what_it_names_and_nothing_else(tmp_path: Path, restarted: bool) -> None:
    wanted = Filter(cluster_id="c1", types=frozenset({"job_started", "job_failed"}))
    story_of = [("job_started", "c1"), ("job_started", "c2"), ("job_progress", "c1"), ("job_failed", "c1")]

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            early = await live_on(db)
            for kind, cluster in story_of:
                await db.write(emit, happened(kind=kind, cluster_id=cluster))
            live = await live_on(db) if restarted else early
            assert await ids_until(live.follow(wanted, 0), 4) == [1, 4]

    asyncio.run(story())


def test_who_is_too_far_behind_is_told_to_read_again_and_goes_on_from_now(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db, behind=10)
            feed = live.follow(EVERYTHING, 0)
            await db.write(emit, *[happened("a", seq) for seq in range(1, 26)])
            assert await following(feed) == Resync("More than 10 events were missed.", 25)
            await db.write(emit, happened("b"))
            assert await ids_until(feed, 26) == [26]

    asyncio.run(story())


def test_a_slow_subscriber_is_reset_and_the_memory_stays_bounded(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db, behind=10)
            slow = live.follow(EVERYTHING, 0)
            await db.write(emit, happened("a"))
            assert await ids_until(slow, 1) == [1]
            for seq in range(2, 102):  # it does not come back for any of these
                await db.write(emit, happened("a", seq))
                assert len(live._recent) < 20
            assert isinstance(await following(slow), Resync)

    asyncio.run(story())


def test_what_retention_took_cannot_be_replayed(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, *[happened("a", seq) for seq in range(1, 11)])
            await db.write(events.prune, now(), 5)
            live = await live_on(db)
            assert isinstance(await following(live.follow(EVERYTHING, 4)), Resync)
            assert await ids_until(live.follow(EVERYTHING, 5), 10) == [6, 7, 8, 9, 10]

    asyncio.run(story())


def test_an_id_that_the_log_has_not_reached_is_a_resync(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db)
            assert isinstance(await following(live.follow(EVERYTHING, 99)), Resync)

    asyncio.run(story())


def test_silence_is_broken_even_when_all_news_is_for_others(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db, silence_seconds=0.2)
            feed = live.follow(Filter(job_id="mine"), 0)
            asked = asyncio.ensure_future(following(feed))
            while not asked.done():
                await db.write(emit, happened("another"))
            assert await asked == []

    asyncio.run(story())


def test_closing_ends_every_stream_and_refuses_new_ones(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db)
            ended = [asyncio.ensure_future(ids_until(live.follow(EVERYTHING, 0), 1)) for _ in range(3)]
            await subscribed(live, 3)
            live.close()
            assert await asyncio.gather(*ended) == [[], [], []]
            assert live.subscribers == 0
            with pytest.raises(TooManySubscribers):
                live.follow(EVERYTHING, 0)

    asyncio.run(story())


def test_there_is_a_limit_to_subscribers(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            live = await live_on(db, limit=1)
            first = asyncio.ensure_future(ids_until(live.follow(EVERYTHING, 0), 1))
            await subscribed(live, 1)
            with pytest.raises(TooManySubscribers):
                live.follow(EVERYTHING, 0)
            await db.write(emit, happened("a"))
            await first

    asyncio.run(story())


@pytest.mark.sqlite  # elsewhere nobody puts events into the log unannounced
def test_the_replay_ends_where_memory_begins(tmp_path: Path) -> None:
    """What is committed but not announced yet will come out of memory; out of the log it would come twice."""

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, *[happened("a", seq) for seq in range(1, 6)])
            live = await live_on(db)
            unannounced = engine_for(tmp_path / "a.db")
            with unannounced.connect() as connection:
                events.append(connection, [happened("a", 6, timestamp=now())])
            unannounced.dispose()
            assert await db.read(events.newest) == 6
            feed = live.follow(EVERYTHING, 0)
            assert [event.id for event in await following(feed)] == [1, 2, 3, 4, 5]

    asyncio.run(story())


def test_the_seam_between_replay_and_live_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Subscribers join at random places, before and during a storm of commits, on a feed that remembers little."""
    chance = random.Random(seed)
    early, total = 30, 1_500
    behind = early + total  # one that is slow to join has missed many, but never too many

    async def storm(db: Database) -> None:
        written = 0
        while written < total:
            size = min(chance.choice([1, 1, 2, 5, 40]), total - written)
            burst = [happened("a", written + n) for n in range(1, size + 1)]
            written += size
            await asyncio.gather(*(db.write(emit, event) for event in burst))

    async def join(live: Live, after: int) -> tuple[int, list[int]]:
        return after, await ids_until(live.follow(EVERYTHING, after), total)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, *[happened("early", seq) for seq in range(1, early + 1)])
            live = await live_on(db, behind=behind)
            writing = asyncio.create_task(storm(db))
            joined = []
            while not writing.done() and len(joined) < 200:
                joined.append(asyncio.create_task(join(live, chance.randint(0, live.head))))
                live_again = await live_on(db, behind=behind)  # one that remembers nothing of what was before
                joined.append(asyncio.create_task(join(live_again, chance.randint(0, live_again.head))))
                await asyncio.wait([writing], timeout=0.02)
            await writing
            for after, seen in await asyncio.gather(*joined):
                assert seen == list(range(after + 1, after + 1 + len(seen)))
                assert seen[-1] >= total

    asyncio.run(story())
