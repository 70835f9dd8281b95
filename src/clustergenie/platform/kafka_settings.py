"""What can be set about Kafka, and what may be said there."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

Rule = tuple[Callable[[Any], bool], str]


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the settings that is named KAFKA_*, as Kafka's own tools name it."""

    kafka_brokers: str = ""
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: str = ""
    kafka_ssl_ca_location: str = ""
    kafka_ssl_certificate_location: str = ""
    kafka_ssl_key_location: str = ""
    kafka_ssl_key_password: str = ""
    kafka_topic: str = "cluster-events"
    kafka_group: str = "cluster-genie-group"
    kafka_partitions: int = 6
    kafka_replication: int = 0
    kafka_retention_hours: int = 168
    kafka_relay_shards: int = 2


def _matches(pattern: str, sentence: str) -> Rule:
    return (lambda text: re.fullmatch(pattern, text) is not None, sentence)


def _between(low: int, high: int) -> Rule:
    return (lambda value: low <= value <= high, f"it must be from {low} to {high}")


_NAME = _matches(r"[A-Za-z0-9._-]{1,200}", "it must be 1 to 200 letters, digits, '.', '_' or '-'")

RULES: dict[str, Rule] = {
    "kafka_brokers": _matches(
        r"([^\s,/@]+:\d{1,5}(, *[^\s,/@]+:\d{1,5})*)?",
        "it must be HOST:PORT, or several of them with commas between",
    ),
    "kafka_security_protocol": _matches(
        "PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL", "it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
    ),
    "kafka_sasl_mechanism": _matches(
        "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512", "it must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
    ),
    "kafka_topic": _NAME,
    "kafka_group": _NAME,
    "kafka_partitions": _between(1, 10_000),
    "kafka_replication": _between(0, 32),
    "kafka_retention_hours": _between(1, 24 * 366),
    "kafka_relay_shards": _between(1, 64),
}
