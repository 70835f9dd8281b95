"""A consumer group gets every event in order, its effect once; what it cannot take goes aside with the reason."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from clustergenie import events
from clustergenie.events import tables
from clustergenie.events.consumer import SKIP, Consumer, Delivery
from clustergenie.events.log import SCAN
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict, Unavailable
from clustergenie.platform.event import Event
from tests.events.logs import consumer, emit, happened, opened, record, recorded


async def delivery(db: Database, wanted: Consumer) -> Delivery:
    """The consumer's delivery, with its place taken up."""
    found = Delivery(db, wanted)
    await found.open()
    return found


def letters(tx: Tx) -> list[tuple[str, str, str, int]]:
    rows = tx.execute(select(tables.dead_letters).order_by(tables.dead_letters.c.id))
    return [(row.key, row.problem, row.reason, row.attempts) for row in rows]


def stored_position(tx: Tx) -> int:
    return int(tx.execute(select(tables.positions.c.position)).scalar_one())


def test_events_come_in_order_in_batches_and_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, *[happened("job-1", seq) for seq in range(1, 6)])
            first = await delivery(db, consumer(record("g"), batch=3))
            assert [await first.run_once()] == [3]
        async with opened(tmp_path / "a.db") as db:
            second = await delivery(db, consumer(record("g"), batch=3))
            assert [await second.run_once() for _ in range(2)] == [2, 0]
            assert await db.read(recorded) == [("job-1", seq) for seq in range(1, 6)]

    asyncio.run(story())


def test_a_new_group_starts_at_the_first_event_or_from_now_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, happened("old"))
            everything = await delivery(db, consumer(record("all"), group="all"))
            only_new = await delivery(db, consumer(record("new"), group="new", start="now"))
            await db.write(emit, happened("new"))
            await everything.run_once()
            await only_new.run_once()
            assert await db.read(recorded, "all") == [("old", 1), ("new", 1)]
            assert await db.read(recorded, "new") == [("new", 1)]

    asyncio.run(story())


def test_an_event_that_is_in_the_log_twice_has_its_effect_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            once = await delivery(db, consumer(record("g"), batch=2))
            copies = [happened("a", event_id="same"), happened("a", event_id="same"), happened("b")]
            await db.write(emit, *copies, happened("a", event_id="same"))
            assert [await once.run_once() for _ in range(3)] == [2, 2, 0]
            assert await db.read(recorded) == [("a", 1), ("b", 1)]

    asyncio.run(story())


def test_the_effect_the_inbox_and_the_place_are_one_transaction(tmp_path: Path) -> None:
    def act_then_fail(tx: Tx, event: Event) -> None:
        record("g")(tx, event)
        tx.emit(happened("side effect", kind="job_failed"))
        raise Conflict("no")

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            failing = await delivery(db, consumer(act_then_fail))
            await db.write(emit, happened("a"))
            await failing.run_once()
            assert await db.read(recorded) == []
            assert await db.read(events.newest) == 1
            assert await db.read(lambda tx: tx.execute(select(tables.inbox)).all()) == []

    asyncio.run(story())


def test_one_bad_event_goes_to_the_dead_letters_and_the_rest_follow_in_order(tmp_path: Path) -> None:
    tries = 0

    def handle(tx: Tx, event: Event) -> None:
        nonlocal tries
        if event.key == "bad":
            tries += 1
            raise Conflict("this cluster is being deleted")
        record("g")(tx, event)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(handle))
            await db.write(emit, happened("a", 1), happened("bad"), happened("a", 2), happened("b"))
            assert await group.run_once() == 4
            assert await db.read(recorded) == [("a", 1), ("a", 2), ("b", 1)]
            assert await db.read(letters) == [("bad", "Conflict", "this cluster is being deleted", 3)]
            assert tries == 1 + 3  # once in the batch, then the attempts of its own
            assert await db.read(stored_position) == 4

    asyncio.run(story())


def test_a_failure_that_passes_leaves_no_dead_letter(tmp_path: Path) -> None:
    failures = [LookupError("not yet"), LookupError("not yet")]

    def handle(tx: Tx, event: Event) -> None:
        if failures:
            raise failures.pop()
        record("g")(tx, event)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(handle))
            await db.write(emit, happened("a"))
            await group.run_once()
            assert await db.read(recorded) == [("a", 1)]
            assert await db.read(letters) == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (happened("a", kind="no_such_type"), "There is no event type 'no_such_type'."),
        (happened("a", job_id=None), "A job_started event needs job_id."),
        (happened("a", schema_version=99), "schema version 99"),
        (happened("a", kind="metrics", payload={"cpu": "hot"}), "does not follow its schema"),
    ],
)
def test_what_breaks_its_schema_never_reaches_the_handler_and_is_not_tried_again(
    tmp_path: Path, event: Event, reason: str
) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            kinds = frozenset({"no_such_type", "job_started", "metrics"})
            group = await delivery(db, consumer(record("g"), types=kinds))
            await db.write(emit, event, happened("good"))
            await group.run_once()
            assert await db.read(recorded) == [("good", 1)]
            ((key, problem, why, attempts),) = await db.read(letters)
            assert (key, problem, attempts) == ("a", "BadEvent", 1)
            assert reason in why

    asyncio.run(story())


def test_trouble_with_the_database_is_not_the_events_fault(tmp_path: Path) -> None:
    trouble = [True]

    def handle(tx: Tx, event: Event) -> None:
        if trouble[0]:
            raise Unavailable("the disk is full")
        record("g")(tx, event)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(handle))
            await db.write(emit, happened("a"))
            for _ in range(5):
                with pytest.raises(Unavailable):
                    await group.run_once()
            trouble[0] = False
            assert await group.run_once() == 1
            assert await db.read(recorded) == [("a", 1)]
            assert await db.read(letters) == []

    asyncio.run(story())


def test_passing_by_what_is_of_no_interest_is_noted_now_and_then_only(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(record("g")))
            await db.write(emit, *[happened("x", seq, kind="job_failed") for seq in range(1, SKIP)])
            await group.run_once()
            assert (group.position, await db.read(stored_position)) == (SKIP - 1, 0)
            await db.write(emit, happened("x", SKIP, kind="job_failed"))
            await group.run_once()
            assert (group.position, await db.read(stored_position)) == (SKIP, SKIP)

    asyncio.run(story())


def test_a_long_stretch_of_no_interest_is_passed_in_one_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(record("g")))
            await db.write(emit, *[happened("x", seq, kind="job_failed") for seq in range(2 * SCAN)], happened("a"))
            assert await group.run_once() == 1
            assert await db.read(recorded) == [("a", 1)]

    asyncio.run(story())


def test_what_a_handler_says_is_news_for_the_next(tmp_path: Path) -> None:
    def answer(tx: Tx, event: Event) -> None:
        tx.emit(happened(event.key, event.seq + 1, kind="job_completed"))

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            group = await delivery(db, consumer(answer))
            other = await delivery(db, consumer(record("h"), group="h", types=frozenset({"job_completed"})))
            await db.write(emit, happened("a"))
            await group.run_once()
            await other.run_once()
            assert await db.read(recorded, "h") == [("a", 2)]

    asyncio.run(story())
