"""Write an event as a Kafka message, and read one that anybody may have written.

CloudEvents 1.0 in binary mode (https://github.com/cloudevents/spec, Kafka protocol binding): attributes in headers,
the value is the event's JSON.
"""

import datetime as dt
import zlib
from typing import Any

import msgspec
from confluent_kafka import Message

from clustergenie.events.foreign import LIMIT
from clustergenie.platform.clock import from_micros, now, rfc3339
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import traceparent

Headers = list[tuple[str, bytes]]
_ENCODE = msgspec.json.Encoder(enc_hook=str).encode
_LOG_ID = "clustergenie-log-id"


def source_of(installation: str) -> str:
    """How this installation signs its events (CloudEvents `source`)."""
    return f"/clustergenie/{installation}"


def shard_of(key: str, shards: int) -> int:
    """Which relay carries the events of this subject; the same on every replica and in every version."""
    return zlib.crc32(key.encode()) % shards


def body(event: Event) -> bytes:
    """The message's value. An event that is too long goes without its payload, so that it cannot hold up the rest."""
    whole = _ENCODE(event)
    if len(whole) <= LIMIT:
        return whole
    note = {"left_out_bytes": len(whole), "see": f"GET /api/v1/events, event {event.id}"}
    return _ENCODE(msgspec.structs.replace(event, payload=note, message=event.message[:1000]))


def headers(event: Event, source: str) -> Headers:
    """CloudEvents attributes, the trace, and the event's place in our log."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": source,
        "ce_type": event.type,
        "ce_subject": event.key,
        "ce_time": rfc3339(event.timestamp or now()),
        "ce_sequence": str(event.seq),
        "content-type": "application/json",
        _LOG_ID: str(event.id),
    }
    if event.trace_id:
        attributes["traceparent"] = traceparent(event.trace_id)
    return [(name, value.encode()) for name, value in attributes.items()]


def attributes(message: Message) -> dict[str, str]:
    """The headers that are text, the last one of each name."""
    found: dict[str, str] = {}
    given: Any = message.headers() or []
    for name, value in given:
        if isinstance(value, bytes | str):
            found[name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def place(message: Message) -> str:
    """Where a message stands; with its time, since a topic that was deleted and made again counts from 0 again."""
    return f"{message.topic()}/{message.partition()}/{message.offset()}@{message.timestamp()[1]}"


def moment(message: Message) -> dt.datetime:
    """When the message was put there, as the brokers know it."""
    milliseconds = message.timestamp()[1]
    return from_micros(milliseconds * 1000) if milliseconds > 0 else now()


def value(message: Message) -> bytes:
    """What a message holds, as it came."""
    raw: bytes | str = message.value() or b""
    return raw.encode() if isinstance(raw, str) else raw


def key(message: Message) -> str:
    """The key of a message as text."""
    raw: bytes | str = message.key() or b""
    return raw if isinstance(raw, str) else raw.decode(errors="replace")


def log_id(said: dict[str, str]) -> int:
    """The id in our log that one of our own messages names."""
    number = said.get(_LOG_ID, "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
