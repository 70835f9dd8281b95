"""Write the AsyncAPI document of the events from the catalogue, so that the two cannot differ."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from clustergenie.events.catalogue import CATALOGUE, SCHEMA_VERSION, EventType
from clustergenie.events.history import EventRecord
from clustergenie.platform.kafka_settings import KafkaSettings

CHANNEL = "cluster-events"
DEAD = f"{CHANNEL}.dlq"
BINDING = "0.5.0"
"""Version of the Kafka bindings (https://github.com/asyncapi/bindings/tree/master/kafka)."""
HEARD = ("job_requested", "metric_threshold_exceeded", "metrics")
"""What other systems may put on the channel, to be acted on."""

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(KafkaSettings)}


_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode, and the W3C trace context.",
    "properties": {
        name: {"type": "string"}
        for name in (
            "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence", "content-type",
            "traceparent",
        )
    },
}  # fmt: skip


def document() -> dict[str, Any]:
    """The document, AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""
    payloads = {kind.payload for kind in CATALOGUE.values()}
    models = [EventRecord, *sorted(payloads, key=lambda model: model.__name__)]
    _, schemas = msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ClusterGenie events",
            "version": str(SCHEMA_VERSION),
            "description": "What happened to jobs, droplets, clusters and deployments, in order per subject. "
            "`GET /api/v1/events` is their history and `GET /api/v1/events/stream` the live feed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": {name: _message(kind) for name, kind in CATALOGUE.items()}, "schemas": schemas},
    }


def _channels() -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in CATALOGUE}
    return {
        CHANNEL: {
            "address": CHANNEL,
            "messages": messages,
            "bindings": {"kafka": _topic(CHANNEL, _DEFAULTS["kafka_partitions"])},
        },
        DEAD: {
            "address": DEAD,
            "description": "Messages that could not be taken, as they came; the headers `dlq-reason`, "
            "`dlq-problem`, `dlq-group`, `dlq-topic`, `dlq-partition` and `dlq-offset` say why and from where.",
            "bindings": {"kafka": _topic(DEAD, 1)},
        },
    }


def _operations() -> dict[str, Any]:
    return {
        "publish": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "summary": "At least once, in order per `key`; tell copies apart by `event_id`.",
            "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in CATALOGUE],
            "bindings": {"kafka": {"clientId": _word("clustergenie-relay"), "bindingVersion": BINDING}},
        },
        "hear": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "summary": "Put there by other systems; each has its effect once, told apart by `event_id`, else by "
            "the CloudEvents `id` and `source` in the headers.",
            "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in HEARD],
            "bindings": {
                "kafka": {
                    "groupId": _word(_DEFAULTS["kafka_group"]),
                    "clientId": _word("clustergenie-consumer"),
                    "bindingVersion": BINDING,
                }
            },
        },
    }


def _topic(name: str, partitions: int) -> dict[str, Any]:
    return {"topic": name, "partitions": partitions, "bindingVersion": BINDING}


def _word(value: str) -> dict[str, Any]:
    return {"type": "string", "enum": [value]}


def _message(kind: EventType) -> dict[str, Any]:
    own = {
        "type": {"const": kind.name},
        "payload": {"$ref": f"#/components/schemas/{kind.payload.__name__}"},
        **{name: {"type": "string", "minLength": 1} for name in kind.needs},
    }
    return {
        "name": kind.name,
        "title": kind.name.replace("_", " ").capitalize(),
        "summary": kind.summary,
        "tags": [{"name": kind.subject}],
        "headers": _HEADERS,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The id of the {kind.subject}; its events stay in order."},
                "bindingVersion": BINDING,
            }
        },
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/EventRecord"},
                {"type": "object", "properties": own, "required": sorted(own)},
            ]
        },
    }


def text() -> str:
    """The document as it is kept in `docs/`."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text())
