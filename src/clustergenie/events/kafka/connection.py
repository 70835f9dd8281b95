"""Connect to Kafka as the settings say, and put into words what keeps us from it."""

import logging
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from clustergenie.platform.config import Settings

SILENT = logging.getLogger("clustergenie.kafka")
"""Where the client's own lines go: it repeats every failed attempt many times a second, and we say it once."""
SILENT.propagate = False
SILENT.addHandler(logging.NullHandler())

_SECURITY = {
    "kafka_ssl_ca_location": "ssl.ca.location",
    "kafka_ssl_certificate_location": "ssl.certificate.location",
    "kafka_ssl_key_location": "ssl.key.location",
    "kafka_ssl_key_password": "ssl.key.password",
}
_REFUSED = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.ILLEGAL_SASL_STATE,
}
_SILENCE = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError._PURGE_QUEUE,
    KafkaError._PURGE_INFLIGHT,
}
_NO_TOPIC = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}
_NO_RIGHT = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "use the topic {topic!r} (it needs Describe, Read and Write)",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "join the consumer group {group!r} (it needs Read)",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        "write in transactions (it needs Describe and Write on transactional ids that begin with 'clustergenie-')"
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "do this on the cluster",
}


class Contact:
    """The one way in which our clients reach the brokers, and the last reason why they could not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reason: KafkaError | None = None
        """What a client said last about its connections; None once one of them worked."""

    def config(self, role: str, **more: Any) -> dict[str, Any]:
        """The client's configuration; keys with `_` for `.`."""
        settings = self._settings
        config: dict[str, Any] = {
            "bootstrap.servers": settings.kafka_brokers.replace(" ", ""),
            "client.id": f"clustergenie-{role}",
            "security.protocol": settings.kafka_security_protocol.lower(),
            "error_cb": self._heard,
            "logger": SILENT,
            "log.connection.close": False,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            "socket.connection.setup.timeout.ms": 5_000,
        }
        if settings.kafka_security_protocol.startswith("SASL"):
            config["sasl.mechanisms"] = settings.kafka_sasl_mechanism
            config["sasl.username"] = settings.kafka_sasl_username
            config["sasl.password"] = settings.kafka_sasl_password
        for name, key in _SECURITY.items():
            if value := getattr(settings, name):
                config[key] = value
        return config | {name.replace("_", "."): value for name, value in more.items()}

    def _heard(self, error: KafkaError) -> None:
        # That all brokers are down says less than why the last one could not be reached.
        if error.code() != KafkaError._ALL_BROKERS_DOWN or self.reason is None:
            self.reason = error

    def worked(self) -> None:
        """A broker has answered."""
        self.reason = None

    def sentence(self, failure: KafkaException | KafkaError) -> str:
        """What went wrong, why, and what to do."""
        error = failure if isinstance(failure, KafkaError) else failure.args[0]
        brokers, code = self._settings.kafka_brokers, error.code()
        if code in _NO_RIGHT:
            what = _NO_RIGHT[code].format(topic=self._settings.kafka_topic, group=self._settings.kafka_group)
            return f"Kafka does not let {self._who()} {what}: {error.str()}."
        if code in _NO_TOPIC:
            topic = self._settings.kafka_topic
            return (
                f"Kafka at {brokers} lacks a topic of ours ({topic!r} or '{topic}.dlq'); make it again, or start one "
                "of our processes again: it makes what is missing."
            )
        cause = self.reason if code in _SILENCE and self.reason is not None else error
        if cause.code() in _REFUSED:
            return (
                f"Kafka at {brokers} refuses {self._who()}: {_short(cause)}. "
                "See KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD."
            )
        if cause.code() == KafkaError._SSL:
            return f"Kafka at {brokers} cannot be spoken to over TLS: {_short(cause)}. See KAFKA_SSL_CA_LOCATION."
        if cause.code() in _SILENCE:
            return f"No Kafka broker of {brokers} (KAFKA_BROKERS) answers: {_short(cause)}."
        return f"Kafka failed: {_short(cause)}."

    def refused(self) -> bool:
        """Whether the brokers answered, and would not have us."""
        return self.reason is not None and self.reason.code() in _REFUSED | {KafkaError._SSL}

    def _who(self) -> str:
        if self._settings.kafka_security_protocol.startswith("SASL"):
            return f"user {self._settings.kafka_sasl_username!r}"
        return "us"


def _short(error: KafkaError) -> str:
    """The client's words without the names of its threads and what it says twice."""
    words = error.str()
    text = words.split("]: ", 1)[-1]
    return text.split(" (after ", 1)[0].rstrip(". ")[:300]
