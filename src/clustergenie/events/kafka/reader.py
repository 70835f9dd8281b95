"""Read the topic as a member of the group. Everything here blocks, and is called on one thread only.

One thread also because the client asks its own threads while it holds Python's lock: a second caller would deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from prometheus_client import Gauge

from clustergenie.events.foreign import LIMIT
from clustergenie.events.kafka.connection import Contact
from clustergenie.platform.config import Settings
from clustergenie.platform.telemetry import log, registry

BATCH = 500
WAIT_SECONDS = 0.5

consumer_lag = Gauge(
    "clustergenie_consumer_lag",
    "Messages of the topic that the group has not passed, on the partitions this process reads.",
    ("group", "topic", "partition"),
    registry=registry,
)


@dataclass
class Batch:
    """What came: messages in order per partition, the ends of partitions, and what went wrong."""

    messages: list[Message] = field(default_factory=list)
    ends: list[TopicPartition] = field(default_factory=list)
    problem: KafkaError | None = None


class Reader:
    """One member of the consumer group."""

    def __init__(self, contact: Contact, settings: Settings) -> None:
        self._contact, self._topic, self._group = contact, settings.kafka_topic, settings.kafka_group
        self._config = contact.config(
            "consumer",
            group_id=settings.kafka_group,
            partition_assignment_strategy="cooperative-sticky",
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_auto_commit=True,
            auto_commit_interval_ms=1000,
            enable_auto_offset_store=False,  # only what was done is stored, and only what is stored is committed
            enable_partition_eof=True,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            queued_max_messages_kbytes=16_384,
            fetch_message_max_bytes=LIMIT * 8,
        )
        self._consumer: Consumer | None = None
        self._resting: list[TopicPartition] = []

    def open(self) -> None:
        """Ask to join the group."""
        self._consumer = Consumer(self._config)
        self._consumer.subscribe([self._topic], on_assign=self._given, on_revoke=self._taken, on_lost=self._taken)

    def close(self) -> None:
        """Commit what was done, and leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def gather(self) -> Batch:
        """What is there; waits a moment for the first message, and for no other."""
        # consume(n, t) would wait the whole of t unless n messages come.
        batch = Batch()
        first = self._reading.poll(WAIT_SECONDS)
        if first is not None:
            for message in [first, *self._reading.consume(BATCH - 1, 0)]:
                self._sort(message, batch)
        return batch

    def _sort(self, message: Message, batch: Batch) -> None:
        error = message.error()
        if error is None:
            batch.messages.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            # Past the marks that end transactions, which are no messages: without this the group would lag for ever.
            batch.ends.append(_at(message, message.offset() or 0))
        elif not error.retriable():
            batch.problem = error

    def done(self, batch: Batch) -> None:
        """Everything in the batch has had its effect."""
        reached: dict[int, TopicPartition] = {}
        for place in [*(_at(message, (message.offset() or 0) + 1) for message in batch.messages), *batch.ends]:
            known = reached.get(place.partition)
            if known is None or place.offset > known.offset:
                reached[place.partition] = place
        for place in reached.values():
            try:
                self._reading.store_offsets(offsets=[place])
            except KafkaException:  # not ours any more; the inbox of its new reader knows what we did
                continue
            self._tell_lag(place)
        self._contact.worked()

    def _tell_lag(self, place: TopicPartition) -> None:
        marks: Any = self._reading.get_watermark_offsets(place, cached=True) or (-1, -1)
        if marks[1] >= 0:
            lag = max(0, marks[1] - place.offset)
            consumer_lag.labels(self._group, self._topic, str(place.partition)).set(lag)

    def rest(self) -> None:
        """Take nothing more for now, and stay in the group."""
        if not self._resting:
            self._resting = self._reading.assignment()
            self._reading.pause(self._resting)

    def idle(self, seconds: float) -> None:
        """Keep up the membership while resting."""
        message = self._reading.poll(seconds)
        if message is not None and message.error() is None:  # from a partition given to us meanwhile: not yet
            self._reading.seek(_at(message, message.offset() or 0))
            self._resting = [*self._resting, _at(message, message.offset() or 0)]
            self._reading.pause(self._resting[-1:])

    def resume(self) -> None:
        """Go on."""
        ours = {(place.topic, place.partition) for place in self._reading.assignment()}
        resting, self._resting = self._resting, []
        self._reading.resume([place for place in resting if (place.topic, place.partition) in ours])

    @property
    def _reading(self) -> Consumer:
        assert self._consumer is not None
        return self._consumer

    def _given(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        log().info("partitions given", group=self._group, partitions=sorted(place.partition for place in places))

    def _taken(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        log().info("partitions taken", group=self._group, partitions=sorted(place.partition for place in places))
        for place in places:
            try:
                consumer_lag.remove(self._group, self._topic, str(place.partition))
            except KeyError:
                continue


def _at(message: Message, offset: int) -> TopicPartition:
    return TopicPartition(message.topic() or "", message.partition() or 0, offset)
