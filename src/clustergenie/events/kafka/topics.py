"""See that our topics are there and that we may use them, before anything relies on it."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic  # type: ignore[attr-defined]

from clustergenie.events.foreign import LIMIT
from clustergenie.events.kafka.connection import Contact
from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.telemetry import log

ANSWER_SECONDS = 5.0
DEAD_LETTER_DAYS = 30
DEAD_LETTER_BYTES = 4 * 1024 * 1024
"""What a dead letter may have: as much as a broker lets anybody send by default, and its headers."""

_HOUR = 3_600_000
_THERE = {KafkaError.NO_ERROR, KafkaError.TOPIC_ALREADY_EXISTS}
# Librdkafka's mock cluster cannot make topics, but makes those that are asked for.
_CANNOT = {KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION}


def dead_letter_topic(settings: Settings) -> str:
    """Where messages go that nobody can take."""
    return f"{settings.kafka_topic}.dlq"


def ensure(contact: Contact, settings: Settings) -> None:
    """Make the topics that are missing, and look at our rights.

    Raises KafkaException while no broker answers, CannotStart with a sentence when they answer and refuse us.
    """
    admin = AdminClient(contact.config("admin"))
    try:
        there = admin.list_topics(timeout=ANSWER_SECONDS).topics
        contact.worked()
    except KafkaException as failure:
        admin.poll(0)  # hands over what the connections met
        if contact.refused():
            raise CannotStart(contact.sentence(failure)) from failure
        raise
    missing = [topic for topic in _wanted(settings) if topic.topic not in there]
    for topic, outcome in (admin.create_topics(missing) if missing else {}).items():
        try:
            outcome.result(ANSWER_SECONDS)
            log().info("Kafka topic made", topic=topic)
        except KafkaException as failure:
            code = failure.args[0].code()
            if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
                raise CannotStart(
                    f"The Kafka topic {topic!r} does not exist or is hidden from us, and we may not make it "
                    f"({failure.args[0].str()}); make it, or give us the right to."
                ) from failure
            if code not in _THERE | _CANNOT:
                raise
    _look_at_rights(admin, contact, settings)


def _wanted(settings: Settings) -> list[NewTopic]:
    copies = settings.kafka_replication or -1
    retention = str(settings.kafka_retention_hours * _HOUR)
    limit = str(LIMIT * 8)  # longer than what we send, so that what others send is refused by us with a reason
    dead = {"retention.ms": str(DEAD_LETTER_DAYS * 24 * _HOUR), "max.message.bytes": str(DEAD_LETTER_BYTES)}
    return [
        NewTopic(
            settings.kafka_topic,
            settings.kafka_partitions,
            copies,
            config={"retention.ms": retention, "max.message.bytes": limit, "cleanup.policy": "delete"},
        ),
        NewTopic(dead_letter_topic(settings), 1, copies, config=dead),
    ]


def _look_at_rights(admin: AdminClient, contact: Contact, settings: Settings) -> None:
    wanted = {
        settings.kafka_topic: {AclOperation.READ, AclOperation.WRITE},
        dead_letter_topic(settings): {AclOperation.WRITE},
    }
    asked: Any = admin.describe_topics(
        TopicCollection(list(wanted)), include_authorized_operations=True, request_timeout=ANSWER_SECONDS
    )
    for topic, outcome in asked.items():
        try:
            allowed = outcome.result(ANSWER_SECONDS).authorized_operations
        except KafkaException as failure:
            if failure.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise CannotStart(contact.sentence(failure)) from failure
            continue  # an old broker cannot say; the first message will
        if allowed and (lacking := sorted(right.name.capitalize() for right in wanted[topic] - set(allowed))):
            raise CannotStart(
                f"On the Kafka topic {topic!r} we lack the right to {' and '.join(lacking)}; "
                "give it to the user that KAFKA_SASL_USERNAME names."
            )
