"""Read the whole Kafka topic with a plain consumer of its own, and hold it against the log in the database."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, TopicPartition

TOPIC = "cluster-events"


def read_all(brokers: str, seconds: float = 60.0) -> list[tuple[str, dict[str, Any]]]:
    """(key, event) of every committed message, each partition in its order."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "an-independent-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    found: list[tuple[str, dict[str, Any]]] = []
    try:
        partitions = consumer.list_topics(TOPIC, timeout=seconds).topics[TOPIC].partitions
        consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
        open_ones = set(partitions)
        while open_ones:
            message = consumer.poll(seconds)
            assert message is not None, f"the broker says nothing of {open_ones}"
            failure = message.error()
            if failure is not None:
                assert failure.name() == "_PARTITION_EOF", failure
                open_ones.discard(message.partition())
                continue
            found.append((message.key().decode(), json.loads(message.value())))
    finally:
        consumer.close()
    return found


def faults(messages: list[tuple[str, dict[str, Any]]], log: list[dict[str, Any]]) -> Iterator[str]:
    """What is missing, out of order, or never happened. A repetition is none: the inbox of each reader is for that."""
    arrived: dict[str, list[int]] = defaultdict(list)
    for key, event in messages:
        arrived[key].append(event["seq"])
    happened: dict[str, list[int]] = defaultdict(list)
    for row in log:
        happened[row["key"]].append(row["seq"])
    for key, seqs in happened.items():
        seen = list(dict.fromkeys(arrived.pop(key, [])))
        if seen != seqs:
            yield f"the log has {seqs} of {key}, the topic {seen}"
    for key in arrived:
        yield f"the topic has events of {key}, the log has none"


def inversions(messages: list[tuple[str, dict[str, Any]]]) -> int:
    """How often an older event of a key came after a newer one, as a reader with an inbox sees it.

    What is delivered again, because nobody heard that it had been, comes after what followed it: that is no inversion.
    """
    newest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    count = 0
    for key, event in messages:
        if (key, event["seq"]) in seen:
            continue
        seen.add((key, event["seq"]))
        count += event["seq"] < newest.get(key, 0)
        newest[key] = max(newest.get(key, 0), event["seq"])
    return count
