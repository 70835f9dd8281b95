"""Say how the bus is doing: the outbox, the relays, and what the group has yet to read."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from confluent_kafka import OFFSET_END, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as Client
from prometheus_client import Gauge
from sqlalchemy import delete, select

from clustergenie.events import dead_letters
from clustergenie.events.bus import BusStatus, GroupStatus, KafkaStatus, RelayStatus
from clustergenie.events.consumer import Consumer
from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.relay import PREFIX, Relay
from clustergenie.events.log import extent, newest
from clustergenie.events.tables import events, positions
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.leases import leases
from clustergenie.platform.telemetry import log, registry

LOOK_SECONDS = 3.0
ANSWER_SECONDS = 2.0
_SILENT = {KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT, KafkaError._WAIT_COORD}

outbox_depth = Gauge("clustergenie_outbox_depth", "Events that no relay has seen delivered.", registry=registry)
outbox_age = Gauge("clustergenie_outbox_age_seconds", "Age of the first of them.", registry=registry)
relay_lag = Gauge(
    "clustergenie_relay_lag", "Events of the log behind the relay's place.", ("relay",), registry=registry
)


class Look(NamedTuple):
    """What the brokers said: how much of the topic the group has yet to read, or why that is not known."""

    reachable: bool
    lag: int | None = None
    problem: str | None = None


class Standing:
    """Looks at the database for the relays of all processes, and at the brokers for the group."""

    def __init__(
        self, db: Database, settings: Settings, contact: Contact, consumers: Mapping[str, Consumer],
        relays: Sequence[Relay],
    ) -> None:  # fmt: skip
        self._db, self._settings, self._contact = db, settings, contact
        self._consumers, self._relays = consumers, relays
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-status")
        # Of the group, and not in it. An AdminClient (librdkafka 2.16) that is asked for a group's offsets hangs or
        # ends the process when the broker goes away at the wrong moment (its issues 5315 and 5511).
        self._client: Client | None = None
        self._looking: asyncio.Future[Look] | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the brokers did not say how they are when they were asked last."""

    def take_up(self, tx: Tx) -> None:
        """Forget how far embedded groups were: they read the topic now, and would hold back retention.

        Should they read the log again one day, they begin at its start, and the inbox knows what they did.
        """
        tx.execute(delete(positions).where(positions.c.consumer_group.not_like(f"{PREFIX}%")))

    def start(self) -> None:
        """Look every few seconds."""
        self._task = asyncio.create_task(self._watch(), name="watch the bus")

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _watch(self) -> None:
        while True:
            try:
                depth, age, places = await self._db.read(self._outbox)
                outbox_depth.set(depth)
                outbox_age.set(age)
                for place in places:
                    relay_lag.labels(place.name).set(place.lag)
            except Exception as failure:  # noqa: BLE001 - the next look may succeed
                log().warning("the outbox could not be looked at", reason=str(failure))
            try:
                await self._look()
            except Exception as failure:  # noqa: BLE001 - nobody else would notice that it looks no more
                log().error("Kafka could not be looked at", exc_info=failure)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> Look:
        # Brokers that are away take seconds to ask: whoever wants to know meanwhile shares the answer.
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
        found = await asyncio.shield(self._looking)
        self.problem = found.problem
        return found

    async def status(self, problem: str | None) -> BusStatus:
        """How everything is."""
        found = await self._look()
        return await self._db.read(self._status, found, found.problem or problem)

    def _status(self, tx: Tx, found: Look, problem: str | None) -> BusStatus:
        depth, age, places = self._outbox(tx)
        waiting = dead_letters.count_waiting(tx)
        kafka = KafkaStatus(
            brokers=self._settings.kafka_brokers,
            reachable=found.reachable,
            problem=problem,
            topic=self._settings.kafka_topic,
            group=self._settings.kafka_group,
            outbox_depth=depth,
            outbox_age_seconds=age,
            relays=places,
            lag=found.lag,
        )
        reach = extent(tx)
        done = min((place.position for place in places), default=0)
        names = {group: consumer.name for group, consumer in self._consumers.items()}
        names[self._settings.kafka_group] = "reads the topic for all consumers"
        groups = [
            GroupStatus(
                group=group,
                name=name,
                active=True,
                types=sorted(self._consumers[group].types) if group in self._consumers else [],
                position=done,
                lag=found.lag or 0,
                dead_letters=waiting.get(group, 0),
                updated_at=tx.now,
            )
            for group, name in names.items()
        ]
        return BusStatus(log=reach, groups=groups, dead_letters=sum(waiting.values()), kafka=kafka)

    def _outbox(self, tx: Tx) -> tuple[int, float, list[RelayStatus]]:
        end = newest(tx)
        rows = tx.execute(select(positions).where(positions.c.consumer_group.like(f"{PREFIX}%"))).all()
        held: dict[str, str] = {
            row.name: row.holder
            for row in tx.execute(select(leases).where(leases.c.name.like(f"{PREFIX}%"), leases.c.expires_at > tx.now))
        }
        here = {relay.name: relay.problem for relay in self._relays}
        stored: dict[str, int] = {row.consumer_group: row.position for row in rows}
        places = [self._place(name, stored, end, held, here) for name in sorted({*stored, *here})]
        done = min((place.position for place in places), default=0)
        if done >= end:
            return 0, 0.0, places
        first: dt.datetime | None = tx.execute(
            select(events.c.timestamp).where(events.c.id > done).order_by(events.c.id).limit(1)
        ).scalar_one_or_none()
        age = (tx.now - first).total_seconds() if first is not None else 0.0
        return end - done, max(0.0, age), places

    def _place(
        self, name: str, stored: Mapping[str, int], end: int, held: Mapping[str, str], here: Mapping[str, str | None]
    ) -> RelayStatus:
        # What passes by of other shards is not always noted at once, so the row may be behind the truth.
        mine = next((relay.position for relay in self._relays if relay.name == name and relay.leads), 0)
        position = max(stored.get(name, 0), mine)
        return RelayStatus(
            name=name, position=position, lag=end - position, holder=held.get(name), problem=here.get(name)
        )

    def _ask(self) -> Look:
        reachable = False
        try:
            if self._client is None:
                config = self._contact.config("status", group_id=self._settings.kafka_group, enable_auto_commit=False)
                self._client = Client(config)
            topic = self._settings.kafka_topic
            found = self._client.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
            reachable = True
            if found.error is not None:
                raise KafkaException(found.error)
            return Look(reachable, _lag(self._client, topic, list(found.partitions)))
        except KafkaException as failure:
            if self._client is not None:
                self._client.poll(0)  # the contact hears why its connections failed
            return Look(reachable, problem=self._sentence(failure, reachable))

    def _sentence(self, failure: KafkaException, reachable: bool) -> str:
        if not reachable or failure.args[0].code() not in _SILENT:
            return self._contact.sentence(failure)
        group = self._settings.kafka_group
        return f"Kafka answers, and has not said for {ANSWER_SECONDS:g} s how far the group {group!r} has read."

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()


def _lag(client: Client, topic: str, numbers: Sequence[int]) -> int:
    """How many messages of the topic the client's group has not passed. Raises KafkaException."""
    done = client.committed([TopicPartition(topic, number) for number in numbers], timeout=ANSWER_SECONDS)
    asked = [TopicPartition(topic, number, OFFSET_END) for number in numbers]
    ends = client.offsets_for_times(asked, timeout=ANSWER_SECONDS)
    for place in (*done, *ends):
        if place.error is not None:
            raise KafkaException(place.error)
    reached = {place.partition: max(0, place.offset) for place in done}
    return sum(max(0, place.offset - reached[place.partition]) for place in ends)
