"""Put messages on a topic as any other system would, and read it as an independent consumer does."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer

PATIENCE_SECONDS = 30.0


@dataclass
class Kafka:
    """A broker."""

    brokers: str
    sasl_brokers: str = ""

    def topic(self) -> "Topic":
        """The name of a topic, and of a group, that no other test has."""
        return Topic(self.brokers, f"cluster-events-{secrets.token_hex(6)}")


@dataclass
class Topic:
    """One test's topic."""

    brokers: str
    name: str
    _producer: Producer | None = field(default=None, repr=False)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a server that uses it."""
        return {"KAFKA_BROKERS": self.brokers, "KAFKA_TOPIC": self.name, "KAFKA_GROUP": f"group-of-{self.name}"}

    def put(self, value: bytes | dict[str, Any], key: str = "", **headers: str) -> None:
        """Put one message there, and wait until the broker has it."""
        if self._producer is None:
            self._producer = Producer({"bootstrap.servers": self.brokers, "message.max.bytes": 4_000_000})
        raw = json.dumps(value).encode() if isinstance(value, dict) else value
        failures: list[object] = []
        self._producer.produce(
            self.name,
            raw,
            key.encode() or None,
            headers=[(name, text.encode()) for name, text in headers.items()],
            on_delivery=lambda error, _message: failures.append(error) if error else None,
        )
        assert self._producer.flush(30) == 0
        assert failures == []

    def read(self, until: Callable[[list[Message]], bool], *, dead: bool = False) -> list[Message]:
        """Everything on the topic (or its dead letters) from its start, until it is enough."""
        config = {
            "bootstrap.servers": self.brokers,
            "group.id": f"independent-{secrets.token_hex(6)}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
        consumer, found = Consumer(config), []
        consumer.subscribe([f"{self.name}.dlq" if dead else self.name])
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not until(found):
                assert time.monotonic() < deadline, f"only {len(found)} messages: {[m.value() for m in found[-3:]]}"
                message = consumer.poll(0.5)
                if message is None:
                    continue
                if message.error() is None:
                    found.append(message)
                elif message.error().code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise AssertionError(message.error())
        finally:
            consumer.close()
        return found

    def events(self, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The events on the topic, in the order of each partition."""
        return [event_of(message) for message in self.read(lambda found: until([event_of(one) for one in found]))]


def event_of(message: Message) -> dict[str, Any]:
    """What a message says."""
    found: dict[str, Any] = json.loads(message.value())
    return found


def headers_of(message: Message) -> dict[str, str]:
    """The headers of a message as text."""
    return {name: value.decode() for name, value in message.headers() or []}


def unordered(found: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the order of the subjects' events once copies are left out; nothing should be."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    wrong = []
    for event in found:
        if event["event_id"] in seen:
            continue
        seen.add(event["event_id"])
        if event["seq"] != last.get(event["key"], 0) + 1:
            wrong.append(f"{event['key']}: {event['seq']} after {last.get(event['key'], 0)}")
        last[event["key"]] = event["seq"]
    return wrong
