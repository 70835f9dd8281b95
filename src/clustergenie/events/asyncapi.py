"""Write the AsyncAPI document of the events from the catalogue, so that the two cannot differ."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from clustergenie.events.catalogue import CATALOGUE, SCHEMA_VERSION, EventType
from clustergenie.events.history import EventRecord

CHANNEL = "cluster-events"


def document() -> dict[str, Any]:
    """The document, AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""
    payloads = {kind.payload for kind in CATALOGUE.values()}
    models = [EventRecord, *sorted(payloads, key=lambda model: model.__name__)]
    _, schemas = msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in CATALOGUE}
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
        "channels": {CHANNEL: {"address": CHANNEL, "messages": messages}},
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "summary": "At least once, in order per `key`; tell copies apart by `event_id`.",
                "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in CATALOGUE],
            }
        },
        "components": {"messages": {name: _message(kind) for name, kind in CATALOGUE.items()}, "schemas": schemas},
    }


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
