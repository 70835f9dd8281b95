"""Take in what the topic brings: each event's effect once, what cannot be taken aside, and only then the place."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import KafkaException, Message

from clustergenie.events import dead_letters, foreign
from clustergenie.events.catalogue import BadEvent
from clustergenie.events.consumer import Consumer, apply, dead_letters_total
from clustergenie.events.dead_letters import Origin
from clustergenie.events.kafka import wire
from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.dead_topic import DeadTopic
from clustergenie.events.kafka.reader import Batch, Reader
from clustergenie.events.log import newest
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import bound, log

T = TypeVar("T")
REST_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
QUIET_SECONDS = 10.0
"""After so long a problem that has not come again is over, also where no partition is ours; above every rest."""


@dataclass(frozen=True)
class _Taken:
    """A message that is an event, and who wants it."""

    message: Message
    event: Event
    wanted_by: tuple[Consumer, ...]


class Intake:
    """Reads for all consumers of this process, as one member of the group."""

    def __init__(
        self, db: Database, contact: Contact, reader: Reader, dead: DeadTopic, group: str, source: str,
        consumers: Sequence[Consumer],
    ) -> None:  # fmt: skip
        self.problem: str | None = None
        """Why nothing comes in, or nothing gets on."""
        self._db, self._contact, self._reader, self._dead = db, contact, reader, dead
        self._group, self._source, self._consumers = group, source, tuple(consumers)
        self._own = {kind for consumer in consumers if consumer.origin == "any" for kind in consumer.types}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-read")
        self._said_at = 0.0
        self._stopping = False

    async def run(self) -> None:
        """Take in until `stop`."""
        failures = 0
        opened = False
        while not self._stopping:
            try:
                if not opened:
                    await self._blocking(self._reader.open)
                    opened = True
                if await self._round():
                    failures = 0
            except Exception as failure:  # noqa: BLE001 - what was not done is not committed: it comes again
                opened = False
                self._say(failure)
                await self._blocking(self._reader.close)
                await asyncio.sleep(REST_SECONDS[min(failures, len(REST_SECONDS) - 1)])
                failures += 1
        await self._blocking(self._reader.close)

    def _say(self, failure: Exception) -> None:
        known = isinstance(failure, KafkaException)
        sentence = self._contact.sentence(failure) if isinstance(failure, KafkaException) else str(failure)
        if sentence != self.problem:
            log().error("taking in events failed", reason=sentence, exc_info=None if known else failure)
        self.problem, self._said_at = sentence, time.monotonic()

    async def stop(self, task: "asyncio.Task[None]") -> None:
        """Finish the batch under way, commit its place, leave the group."""
        self._stopping = True
        done, _ = await asyncio.wait([task], timeout=10)
        if not done:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def _round(self) -> bool:
        """Take in what is there; whether anything was. Raises KafkaException for what only a new member gets over."""
        batch = await self._blocking(self._reader.gather)
        await self._take(batch)
        came = bool(batch.messages or batch.ends)
        if came:
            await self._blocking(lambda: self._reader.done(batch))
        if batch.problem is not None:
            # The client would go on by itself, but looks again for a topic that was missing after five minutes.
            raise KafkaException(batch.problem)
        if came or time.monotonic() - self._said_at > QUIET_SECONDS:
            self.problem = None
        return came

    async def _take(self, batch: Batch) -> None:
        """See to it that every message of the batch has had its effect, or is a dead letter."""
        taken: list[_Taken] = []
        for message in batch.messages:
            try:
                found = self._read(message)
            except BadEvent as failure:
                await self._bury(message, None, self._group, failure, 1)
                continue
            if found is not None:
                taken.append(found)
        if taken:
            await self._insist(lambda: self._deliver(taken))

    def _read(self, message: Message) -> _Taken | None:
        said = wire.attributes(message)
        own = said.get("ce_source") == self._source
        if own and said.get("ce_type") not in self._own:
            return None  # most of what we say is for others; it is not even parsed
        event = foreign.read(wire.value(message), said, wire.place(message))
        event.id = wire.log_id(said) if own else 0
        event.timestamp = event.timestamp or wire.moment(message)
        wanted_by = tuple(
            consumer
            for consumer in self._consumers
            if event.type in consumer.types and (consumer.origin == "any" or not own)
        )
        return _Taken(message, event, wanted_by) if wanted_by else None

    async def _deliver(self, taken: list[_Taken]) -> None:
        try:
            await self._db.write(_apply_all, taken)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one of them is at fault: each by itself shows which
            for one in taken:
                for consumer in one.wanted_by:
                    await self._insist(lambda one=one, consumer=consumer: self._deliver_alone(one, consumer))  # type: ignore[misc]

    async def _deliver_alone(self, one: _Taken, consumer: Consumer) -> None:
        for attempts, pause in enumerate((*consumer.backoff, None), 1):
            try:
                await self._db.write(_apply_all, [_Taken(one.message, one.event, (consumer,))])
            except Unavailable:  # the database, not the event
                raise
            except Exception as failure:  # noqa: BLE001 - whatever it is, it goes to the dead letters with its reason
                if pause is None or isinstance(failure, BadEvent):
                    await self._bury(one.message, one.event, consumer.group, failure, attempts)
                    return
                await asyncio.sleep(pause)
            else:
                return

    async def _bury(self, message: Message, event: Event | None, group: str, failure: Exception, attempts: int) -> None:
        said = wire.attributes(message)
        origin = Origin(place=wire.place(message), raw=wire.value(message), headers=said, key=wire.key(message))
        await self._insist(lambda: self._db.write(_give_up, group, event, failure, attempts, origin))
        await self._blocking(lambda: self._dead.send(message, group, failure))
        dead_letters_total.labels(group).inc()
        names = {"trace_id": event.trace_id, "job_id": event.job_id, "cluster_id": event.cluster_id} if event else {}
        with bound(**names):
            log().error("message became a dead letter", group=group, place=origin.place, reason=str(failure))

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it, however long the database is away; the partitions rest meanwhile, and nobody else need take them."""
        failures = 0
        while True:
            try:
                outcome = await act()
            except Unavailable as failure:
                if self._stopping:
                    raise
                self._say(failure)
                await self._blocking(self._reader.rest)
                await self._blocking(self._resting(REST_SECONDS[min(failures, len(REST_SECONDS) - 1)]))
                failures += 1
                continue
            if failures:
                await self._blocking(self._reader.resume)
                self.problem = None
            return outcome

    def _resting(self, seconds: float) -> Callable[[], None]:
        return lambda: self._reader.idle(seconds)

    async def _blocking(self, fn: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, fn)


def _apply_all(tx: Tx, taken: Sequence[_Taken]) -> None:
    """Let every consumer handle what it wants, in the order of the topic, all in one transaction."""
    here = newest(tx) + 1  # what came from elsewhere is remembered as long as what happened here at that time
    by_consumer: dict[str, tuple[Consumer, list[Event]]] = {}
    for one in taken:
        one.event.id = one.event.id or here
        for consumer in one.wanted_by:
            by_consumer.setdefault(consumer.group, (consumer, []))[1].append(one.event)
    for consumer, found in by_consumer.values():
        apply(tx, consumer, found, upto=None)


def _give_up(tx: Tx, group: str, event: Event | None, failure: Exception, attempts: int, origin: Origin) -> None:
    if event is None:
        dead_letters.bury_unread(tx, group, failure, origin)
    else:
        dead_letters.bury(tx, group, event, failure, attempts, origin)
