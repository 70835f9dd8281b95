"""Relays that are killed, stopped and doubled: every event reaches the topic, and the order of a subject holds."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message
from sqlalchemy import select

from clustergenie import events
from clustergenie.events import tables
from clustergenie.platform import leases, migrate
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.servers import ServerBackend
from tests import databases
from tests.events.logs import happened
from tests.events.topics import Kafka, Topic, event_of, unordered
from tests.servers.kafka_broker import make_topics
from tests.waiting import poll_until_async

ROOT = Path(__file__).parents[2]
KEYS = 40


class Fleet:
    """Relay processes over one database."""

    def __init__(self, url: str, topic: Topic) -> None:
        self._url, self._topic = url, topic
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """One more."""
        command = [sys.executable, "-m", "tests.events.relaying", self._url, self._topic.brokers, self._topic.name]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self.processes.append(process)
        threading.Thread(target=self._drain, args=(process,), daemon=True).start()
        return process

    @staticmethod
    def _drain(process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            process.stdout.read()

    def end(self) -> None:
        """kill -9 all."""
        for process in self.processes:
            process.kill()
            process.wait()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9 one."""
        process.kill()
        process.wait()
        self.processes.remove(process)


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    server = databases.bare(request.param)
    migrate.ensure_server(server)
    address = server.url
    return address.set(drivername=address.get_backend_name()).render_as_string(hide_password=False)


@pytest.fixture
def topic(kafka: Kafka) -> Topic:
    found = kafka.topic()
    make_topics(found.brokers, found.name, partitions=4)
    return found


@pytest.fixture
def fleet(url: str, topic: Topic) -> Iterator[Fleet]:
    found = Fleet(url, topic)
    try:
        yield found
    finally:
        found.end()


class Source:
    """Emits events, in order per subject."""

    def __init__(self, db: Database, chance: random.Random) -> None:
        self._db, self._chance = db, chance
        self._last: dict[str, int] = {}
        self.said: list[str] = []

    async def emit(self, count: int) -> None:
        """That many more, some in each transaction."""
        while count > 0:
            some = min(count, self._chance.choice([1, 3, 20, 60]))
            await self._db.write(self._some, some)
            count -= some

    def _some(self, tx: Tx, count: int) -> None:
        for _ in range(count):
            key = f"job-{self._chance.randrange(KEYS)}"
            self._last[key] = self._last.get(key, 0) + 1
            event = happened(key, self._last[key])
            self.said.append(event.event_id)
            tx.emit(event)


def holders(tx: Tx) -> dict[str, int]:
    """The pid of the process that has each lease."""
    found = tx.execute(select(leases.leases).where(leases.leases.c.expires_at > tx.now)).all()
    return {row.name: int(row.holder.removeprefix("relay-")) for row in found}


def least(tx: Tx) -> int:
    return min(tx.execute(select(tables.positions.c.position)).scalars(), default=0)


async def caught_up(db: Database, source: Source) -> None:
    """Wait until the relays have noted every event as delivered."""

    async def are() -> bool:
        return await db.read(lambda tx: least(tx) >= len(source.said) == events.newest(tx))

    await poll_until_async(are, 90)


async def pause_and_double(db: Database, source: Source, fleet: Fleet) -> None:
    """Stopped in the middle of their work, as by a long pause: others take over, and the first go on too late."""
    emitting = asyncio.create_task(source.emit(1200))
    stopped = set((await db.read(holders)).values())
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    fleet.start()

    async def taken_over() -> bool:
        found = await db.read(holders)
        return len(found) == 2 and not stopped & set(found.values())

    await poll_until_async(taken_over, 60)
    await emitting
    await source.emit(400)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    await source.emit(400)


async def kill_at_random(source: Source, fleet: Fleet, chance: random.Random) -> None:
    """Killed while they work, and others started."""
    for _ in range(4):
        emitting = asyncio.create_task(source.emit(400))
        await asyncio.wait([emitting], timeout=chance.uniform(0, 1.5))
        fleet.start()
        fleet.kill(fleet.processes[0])
        await emitting


async def trouble(url: str, fleet: Fleet, chance: random.Random) -> set[str]:
    """All of it over one log; the events that were emitted."""
    db = Database(ServerBackend(url, events.append, connections=6))
    await db.start()
    sequencer = events.Sequencer(db)
    await sequencer.start()
    source = Source(db, chance)
    fleet.start()
    fleet.start()
    await source.emit(1000)
    await caught_up(db, source)
    await pause_and_double(db, source, fleet)
    await caught_up(db, source)
    await kill_at_random(source, fleet, chance)
    await caught_up(db, source)
    await sequencer.stop()
    await db.stop()
    return set(source.said)


@pytest.mark.slow
def test_relays_killed_stopped_and_doubled_lose_nothing_and_keep_the_order(
    url: str, topic: Topic, fleet: Fleet, seed: int
) -> None:
    said = asyncio.run(trouble(url, fleet, random.Random(seed)))
    assert len(said) == 4600
    messages = topic.read(lambda found: len(found) >= len(said) and seen_all(found, said))
    found = [event_of(message) for message in messages]
    assert unordered(found) == []
    assert {event["event_id"] for event in found} == said


def seen_all(found: list[Message], wanted: set[str]) -> bool:
    return {event_of(one)["event_id"] for one in found} >= wanted
