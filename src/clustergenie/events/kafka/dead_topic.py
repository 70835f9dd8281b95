"""Send on to the dead-letter topic what nobody here can take, as it came, with the reason in its headers."""

from confluent_kafka import KafkaException, Message, Producer

from clustergenie.events.kafka import topics, wire
from clustergenie.events.kafka.connection import Contact
from clustergenie.platform.clock import now, rfc3339
from clustergenie.platform.config import Settings
from clustergenie.platform.telemetry import log

SECONDS = 10


class DeadTopic:
    """The producer of dead letters. Its calls block."""

    def __init__(self, contact: Contact, settings: Settings) -> None:
        self._contact, self._topic = contact, topics.dead_letter_topic(settings)
        self._config = contact.config(
            "dead-letters",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            compression_type="lz4",
            message_timeout_ms=SECONDS * 1000,
            message_max_bytes=topics.DEAD_LETTER_BYTES,
        )
        self._producer: Producer | None = None

    def send(self, message: Message, group: str, failure: Exception) -> bool:
        """Send one, and wait for its delivery; False when that did not come. The dead letter is kept here as well."""
        failures: list[object] = []
        self._producer = self._producer or Producer(self._config)
        try:
            self._producer.produce(
                self._topic,
                value=wire.value(message),
                key=message.key(),
                headers=[*(message.headers() or []), *_reason(message, group, failure)],
                on_delivery=lambda error, _message: failures.append(error) if error is not None else None,
            )
            failures += ["no delivery report"] * self._producer.flush(SECONDS)
        except (KafkaException, BufferError) as error:
            failures.append(error)
        if failures:
            log().error("a dead letter could not be sent to its topic", topic=self._topic, reason=str(failures[0]))
        return not failures


def _reason(message: Message, group: str, failure: Exception) -> wire.Headers:
    said = {
        "dlq-reason": str(failure) or type(failure).__name__,
        "dlq-problem": type(failure).__name__,
        "dlq-group": group,
        "dlq-topic": message.topic() or "",
        "dlq-partition": str(message.partition()),
        "dlq-offset": str(message.offset()),
        "dlq-failed-at": rfc3339(now()),
    }
    return [(name, value.encode()) for name, value in said.items()]
