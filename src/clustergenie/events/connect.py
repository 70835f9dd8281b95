"""Build the bus that the settings ask for: within this process, or over Kafka."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from clustergenie.events.bus import Bus, EmbeddedBus
from clustergenie.events.consumer import Consumer
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.errors import CannotStart

INSTALL = "pip install 'clustergenie[kafka]'"


def build(settings: Settings, db: Database, installation: str, consumers: Sequence[Consumer]) -> Bus:
    """Raises CannotStart where Kafka is wanted and its client is missing or has not what it needs."""
    if not settings.kafka_brokers:
        return EmbeddedBus(db, consumers)
    if importlib.util.find_spec("confluent_kafka") is None:
        raise CannotStart(f"KAFKA_BROKERS is set, but the Kafka client is not installed: {INSTALL}")
    if settings.kafka_security_protocol.startswith("SASL"):
        for name in ("kafka_sasl_username", "kafka_sasl_password"):
            if not getattr(settings, name):
                raise CannotStart(
                    f"KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, but {name.upper()} is not set."
                )
    elif settings.kafka_sasl_username:
        raise CannotStart(
            "KAFKA_SASL_USERNAME is set, but with KAFKA_SECURITY_PROTOCOL "
            f"{settings.kafka_security_protocol} nobody is told it; use SASL_SSL or SASL_PLAINTEXT."
        )
    kafka: Any = importlib.import_module("clustergenie.events.kafka.bus")
    bus: Bus = kafka.KafkaBus(db, settings, installation, consumers)
    return bus
