import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.events.topics import Kafka
from tests.servers.kafka_broker import KafkaBroker
from tests.servers.shared import shared


@pytest.fixture(scope="session")
def own_kafka() -> Iterator[Kafka]:
    """A real broker that the tests of this run share; each test has a topic and a group of its own."""
    with shared("kafka", _start) as told:
        yield Kafka(told["brokers"], told["sasl_brokers"])


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """As `own_kafka`, or the one that CG_TEST_KAFKA_BROKERS names."""
    if given := os.environ.get("CG_TEST_KAFKA_BROKERS"):
        return Kafka(given)
    own: Kafka = request.getfixturevalue("own_kafka")
    return own


def _start(folder: Path) -> dict[str, Any]:
    broker = KafkaBroker(folder).start()
    return {"pid": broker.handed_over(), "brokers": broker.brokers, "sasl_brokers": broker.sasl_brokers}
