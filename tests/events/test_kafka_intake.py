"""What comes from a topic has its effect once: over rebalances, outages of the database, and our own events.

The brokers are librdkafka's mock cluster; what is shown here is ours, not theirs.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from sqlalchemy import Connection, func, select

from clustergenie import events
from clustergenie.events import tables
from clustergenie.events.kafka import wire
from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.dead_topic import DeadTopic
from clustergenie.events.kafka.intake import Intake
from clustergenie.events.kafka.reader import Reader
from clustergenie.events.kafka.relay import _take_up
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict, Unavailable
from clustergenie.platform.event import Event
from tests.events.logs import consumer, happened, opened, record, recorded
from tests.events.topics import Topic
from tests.waiting import poll_until_async

SOURCE = "/clustergenie/here"


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """The mock cluster lives as long as the client that asked for it."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    found = next(iter(cluster.list_topics(timeout=10).brokers.values()))
    yield f"{found.host}:{found.port}"
    cluster.flush(1)


@pytest.fixture
def topic(brokers: str) -> Topic:
    return Topic(brokers, f"mock-{secrets.token_hex(4)}")


@asynccontextmanager
async def taking(db: Database, topic: Topic, *consumers: events.Consumer) -> AsyncIterator[Intake]:
    """A member of the topic's group that takes in."""
    settings = Settings(kafka_brokers=topic.brokers, kafka_topic=topic.name, kafka_group=f"of-{topic.name}")
    contact = Contact(settings)
    reader, dead = Reader(contact, settings), DeadTopic(contact, settings)
    intake = Intake(db, contact, reader, dead, settings.kafka_group, SOURCE, consumers)
    running = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        await intake.stop(running)


def said(key: str, seq: int) -> dict[str, Any]:
    return {"type": "job_started", "job_id": key, "seq": seq, "event_id": f"{key}-{seq}"}


def test_members_come_and_go_and_each_effect_happens_once_in_order(tmp_path: Path, topic: Topic) -> None:
    wanted = [(f"job-{n % 9}", n // 9 + 1) for n in range(270)]

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            taker = consumer(record("g"))

            async def done(count: int) -> bool:
                return len(await db.read(recorded)) >= count

            async with taking(db, topic, taker):
                for key, seq in wanted[:90]:
                    topic.put(said(key, seq), key)
                await poll_until_async(lambda: done(30), 60)
                async with taking(db, topic, taker):
                    for key, seq in wanted[90:180]:
                        topic.put(said(key, seq), key)
                    await poll_until_async(lambda: done(120), 60)
            async with taking(db, topic, taker):
                for key, seq in wanted[180:]:
                    topic.put(said(key, seq), key)
                await poll_until_async(lambda: done(270), 60)
            found = await db.read(recorded)
            assert sorted(found) == sorted(wanted)
            for key in {key for key, _ in wanted}:
                assert [seq for name, seq in found if name == key] == list(range(1, 31))

    asyncio.run(story())


def test_a_database_that_is_away_makes_no_dead_letters_and_is_waited_for(tmp_path: Path, topic: Topic) -> None:
    away = [True]

    def append_unless_away(connection: Connection, committed: list[Event]) -> None:
        if away[0] and any(event.type == "job_failed" for event in committed):
            raise Unavailable("There is no space left.")
        events.append(connection, committed)

    def handle(tx: Tx, event: Event) -> None:
        record("g")(tx, event)
        tx.emit(happened(event.key, event.seq, kind="job_failed"))

    async def story() -> None:
        async with opened(tmp_path / "a.db", append_unless_away) as db, taking(db, topic, consumer(handle)) as intake:
            for seq in range(1, 6):
                topic.put(said("job-1", seq), "job-1")

            async def waits() -> bool:
                return intake.problem is not None and "no space left" in intake.problem

            await poll_until_async(waits, 60)
            away[0] = False

            async def done() -> bool:
                return await db.read(recorded) == [("job-1", seq) for seq in range(1, 6)]

            await poll_until_async(done, 60)
            assert await db.read(lambda tx: tx.execute(select(func.count(tables.dead_letters.c.id))).scalar()) == 0
            assert intake.problem is None

    asyncio.run(story())


def test_a_refused_event_is_buried_once_and_those_after_it_follow(tmp_path: Path, topic: Topic) -> None:
    def handle(tx: Tx, event: Event) -> None:
        record("g")(tx, event)
        if event.seq == 2:
            raise Conflict("not this one")

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            for seq in (1, 2, 3):
                topic.put(said("job-1", seq), "job-1")
            async with taking(db, topic, consumer(handle)):

                async def done() -> bool:
                    return await db.read(recorded) == [("job-1", 1), ("job-1", 3)]

                await poll_until_async(done, 60)
            # As after a crash between the effect and its offset: everything comes again, to a group of another name.
            again = Topic(topic.brokers, topic.name)
            settings = Settings(kafka_brokers=again.brokers, kafka_topic=again.name, kafka_group="another")
            contact = Contact(settings)
            twice = Intake(
                db, contact, Reader(contact, settings), DeadTopic(contact, settings), f"of-{topic.name}", SOURCE,
                [consumer(handle)],
            )  # fmt: skip
            running = asyncio.create_task(twice.run())
            topic.put(said("job-1", 4), "job-1")

            async def followed() -> bool:
                return (await db.read(recorded))[-1] == ("job-1", 4)

            await poll_until_async(followed, 60)
            await twice.stop(running)
            assert await db.read(recorded) == [("job-1", 1), ("job-1", 3), ("job-1", 4)]
            letters = await db.read(lambda tx: tx.execute(select(tables.dead_letters)).all())
            assert [(row.reason, row.attempts) for row in letters] == [("not this one", 3)]

    asyncio.run(story())


def test_our_own_events_tell_a_consumer_of_others_nothing(tmp_path: Path, topic: Topic) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            for_others = consumer(record("others"), group="others", origin="elsewhere")
            for_all = consumer(record("all"), group="all")
            own = dict((name, value.decode()) for name, value in wire.headers(happened("mine"), SOURCE))
            topic.put(said("mine", 1), "mine", **own)
            topic.put(said("theirs", 1), "theirs", **(own | {"ce_source": "/another/system"}))
            async with taking(db, topic, for_others, for_all):

                async def done() -> bool:
                    return sorted(await db.read(recorded, "all")) == [("mine", 1), ("theirs", 1)]

                await poll_until_async(done, 60)
                assert await db.read(recorded, "others") == [("theirs", 1)]

    asyncio.run(story())


def test_copies_are_told_apart_by_cloudevents_id_and_source_where_there_is_no_event_id(
    tmp_path: Path, topic: Topic
) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            for source, number in (("/a", 1), ("/a", 1), ("/b", 1), ("/a", 2)):
                told = {"type": "job_started", "job_id": source, "seq": number}
                topic.put(told, "same", ce_id=str(number), ce_source=source)
            async with taking(db, topic, consumer(record("g"))):

                async def done() -> bool:
                    return await db.read(recorded) == [("/a", 1), ("/b", 1), ("/a", 2)]

                await poll_until_async(done, 60)

    asyncio.run(story())


def test_another_number_of_shards_begins_where_the_last_old_one_was(tmp_path: Path) -> None:
    def places(tx: Tx) -> dict[str, int]:
        return {row.consumer_group: row.position for row in tx.execute(select(tables.positions))}

    def put(tx: Tx, name: str, position: int) -> None:
        tx.execute(tables.positions.update().where(tables.positions.c.consumer_group == name).values(position=position))

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            assert await db.write(_take_up, "relay-1-of-2", 2) == 0
            await db.write(put, "relay-1-of-2", 40)
            assert await db.write(_take_up, "relay-0-of-2", 2) == 0, "it may hold what the other has passed by"
            await db.write(put, "relay-0-of-2", 25)
            assert await db.write(_take_up, "relay-2-of-3", 3) == 25
            assert await db.read(places) == {f"relay-{n}-of-3": 25 for n in range(3)}

    asyncio.run(story())
