"""Send a shard's events in transactions whose name belongs to the shard: a later relay fences an earlier one."""

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from clustergenie.events.foreign import LIMIT
from clustergenie.events.kafka import wire
from clustergenie.events.kafka.connection import Contact
from clustergenie.platform.event import Event

ANSWER_SECONDS = 5.0
TRANSACTION_SECONDS = 10
"""After this an open transaction of a relay that died is undone; readers wait behind it until then."""


class Publisher:
    """One transactional producer. All calls block; make them on one thread. After any failure: `drop`, then `open`."""

    def __init__(self, contact: Contact, topic: str, source: str, transactional_id: str) -> None:
        self._contact, self._topic, self._source = contact, topic, source
        self._config = contact.config(
            "relay",
            transactional_id=transactional_id,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            compression_type="lz4",
            partitioner="murmur2_random",  # as Java clients do, so that a key of theirs meets ours
            transaction_timeout_ms=TRANSACTION_SECONDS * 1000,
            message_max_bytes=LIMIT * 8,
        )
        self._producer: Producer | None = None

    def open(self) -> None:
        """Begin a new epoch of the transactional id: every earlier publisher of it can send no more."""
        self._producer = Producer(self._config)
        self._producer.init_transactions(ANSWER_SECONDS)
        self._contact.worked()

    def send(self, found: Sequence[Event]) -> None:
        """Send events in order, all or none; when this returns, the brokers have reported them delivered."""
        producer, delivered = self._producer, _Delivered()
        assert producer is not None
        producer.begin_transaction()
        for event in found:
            producer.produce(
                self._topic,
                value=wire.body(event),
                key=event.key.encode(),
                headers=wire.headers(event, self._source),  # type: ignore[arg-type]
                on_delivery=delivered,
            )
            producer.poll(0)
        producer.commit_transaction(ANSWER_SECONDS)
        if delivered.count != len(found):
            raise delivered.failure or KafkaException(
                KafkaError(KafkaError._FAIL, f"{delivered.count} of {len(found)} events were reported delivered")
            )
        self._contact.worked()

    def drop(self) -> None:
        """Let go, without waiting for anything. What was under way is undone by the next `open`, here or elsewhere."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.poll(0)


class _Delivered:
    """Counts delivery reports."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: KafkaException | None = None

    def __call__(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self.count += 1
        else:
            self.failure = KafkaException(error)
