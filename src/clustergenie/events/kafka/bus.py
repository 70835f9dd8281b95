"""The bus between processes: relays carry the log to Kafka, and one reader takes in what anybody put there."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaException

from clustergenie.events.bus import BusStatus, by_group, count
from clustergenie.events.consumer import Consumer
from clustergenie.events.dead_letters import DeadLetter
from clustergenie.events.kafka import topics, wire
from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.dead_topic import DeadTopic
from clustergenie.events.kafka.intake import Intake
from clustergenie.events.kafka.publisher import Publisher
from clustergenie.events.kafka.reader import Reader
from clustergenie.events.kafka.relay import Relay
from clustergenie.events.kafka.standing import Standing
from clustergenie.events.replay import Also, nothing_else, replay
from clustergenie.platform import ids
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log

AGAIN_SECONDS = 2.0


class KafkaBus:
    """See `events.Bus`. A broker that is away delays events and nothing else; one that refuses us stops the start."""

    def __init__(self, db: Database, settings: Settings, installation: str, consumers: Sequence[Consumer]) -> None:
        self._db, self._settings = db, settings
        self._consumers = by_group(consumers)
        self._contact = Contact(settings)
        source, holder = wire.source_of(installation), f"relay-{ids.worker_id()}"
        self.relays = [
            Relay(
                db,
                self._contact,
                Publisher(self._contact, settings.kafka_topic, source, f"clustergenie-{installation}-{number}"),
                number=number,
                shards=settings.kafka_relay_shards,
                holder=holder,
            )
            for number in range(settings.kafka_relay_shards)
        ]
        self.intake = Intake(
            db,
            self._contact,
            Reader(self._contact, settings),
            DeadTopic(self._contact, settings),
            settings.kafka_group,
            source,
            consumers,
        )
        self._standing = Standing(db, settings, self._contact, self._consumers, self.relays)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-topics")
        self._beginning: asyncio.Task[None] | None = None
        self._relaying: list[tuple[Relay, asyncio.Task[None]]] = []
        self._taking: asyncio.Task[None] | None = None
        self._waiting: str | None = None
        db.listen(self._announced)

    def _announced(self, committed: list[Event]) -> None:
        count(committed)
        for relay in self.relays:
            relay.nudge()

    async def open(self) -> None:
        """Know how far everything is; other processes relay and read."""
        await self._db.write(self._standing.take_up)
        self._standing.start()

    async def start(self) -> None:
        """Begin to deliver; where no broker answers yet, as soon as one does.

        Raises CannotStart with a sentence when the brokers refuse us.
        """
        await self.open()
        if not await self._ready():
            log().warning("events wait for Kafka", reason=self._waiting)
            self._beginning = asyncio.create_task(self._begin_later(), name="wait for Kafka")

    async def _ready(self) -> bool:
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, topics.ensure, self._contact, self._settings)
        except KafkaException as failure:
            self._waiting = self._contact.sentence(failure)
            return False
        self._waiting = None
        self._relaying = [
            (relay, asyncio.create_task(relay.run(), name=f"relay {relay.number}")) for relay in self.relays
        ]
        self._taking = asyncio.create_task(self.intake.run(), name="take in events")
        return True

    async def _begin_later(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                if await self._ready():
                    log().info("Kafka answers; events go out")
                    return
            except Exception as failure:  # noqa: BLE001 - too late to refuse the start: /readyz says it
                self._waiting = str(failure)

    async def stop(self) -> None:
        """Stop delivering; what was under way happens wholly or not at all."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        if self._taking is not None:
            await self.intake.stop(self._taking)
        await asyncio.gather(*(relay.stop(task) for relay, task in self._relaying))
        await self._standing.stop()
        self._thread.shutdown(wait=False)

    async def status(self) -> BusStatus:
        """How far the relays and every group are."""
        return await self._standing.status(await self.trouble())

    async def trouble(self) -> str | None:
        """Why events are not carried just now, in a sentence."""
        if self._waiting is not None:
            return self._waiting
        # First what the brokers say when they are asked: a producer only knows that nobody took its messages.
        problems = [self._standing.problem, *(relay.problem for relay in self.relays), self.intake.problem]
        return next((problem for problem in problems if problem is not None), None)

    async def replay(self, dead_letter_id: int, also: Also = nothing_else) -> DeadLetter:
        """Hand a dead letter to its consumer once more.

        Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed.
        """
        return await replay(self._db, self._consumers, dead_letter_id, also)
