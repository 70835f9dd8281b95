"""What another system sends is held against the catalogue, and the catalogue is what machines read in docs/."""

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.events import CATALOGUE, BadEvent, asyncapi, parse
from clustergenie.platform.event import Event

# The first API's example, word for word in its fields.
REQUESTED = {
    "type": "job_requested",
    "job_id": "job-provision-20251129120000",
    "job_type": "provision",
    "cluster_id": "cluster-1",
    "payload": {"cluster_id": "cluster-1"},
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
}


def test_a_job_requested_by_another_system_is_understood() -> None:
    event = parse(json.dumps({**REQUESTED, "timestamp": "2025-11-29T12:00:00Z", "unknown": 1}).encode())
    assert (event.key, event.job_type, event.payload) == (REQUESTED["job_id"], "provision", {"cluster_id": "cluster-1"})
    assert event.timestamp == dt.datetime(2025, 11, 29, 12, tzinfo=dt.UTC)
    assert event.event_id


def test_telemetry_comes_as_a_list_or_under_its_four_names() -> None:
    for payload in ({"cpu": 12.5, "memory": 40}, {"metrics": [{"type": "cpu", "value": 3}]}):
        assert parse(json.dumps({"type": "metrics", "droplet_id": "d-1", "payload": payload}).encode()).key == "d-1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "job_requestet"}, "no event type 'job_requestet'"),
        ({"type": 5}, r"\$\.type"),
        ({"job_id": None}, "needs job_id"),
        ({"job_id": ""}, r"\$\.job_id"),
        ({"job_id": "x" * 256}, r"\$\.job_id"),
        ({"job_type": None}, "needs job_type"),
        ({"progress": 101}, r"\$\.progress"),
        ({"seq": -1}, r"\$\.seq"),
        ({"timestamp": "yesterday"}, r"\$\.timestamp"),
        ({"timestamp": "2025-11-29T12:00:00"}, r"\$\.timestamp"),
        ({"payload": []}, r"\$\.payload"),
        ({"schema_version": 2}, "schema version 2"),
    ],
)
def test_what_does_not_follow_its_schema_is_refused_with_the_place(change: dict[str, object], reason: str) -> None:
    with pytest.raises(BadEvent, match=reason):
        parse(json.dumps({**REQUESTED, **change}).encode())


@given(st.binary() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_nonsense_is_a_bad_event_and_nothing_worse(raw: bytes) -> None:
    with pytest.raises(BadEvent):
        parse(raw)


@pytest.mark.parametrize("raw", [b'{"type":"' + b"\xff" + b'"}', b'{"a":' * 100_000, b"\xed\xa0\x80"])
def test_hostile_bytes_are_a_bad_event(raw: bytes) -> None:
    with pytest.raises(BadEvent):
        parse(raw)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_type_has_a_smallest_event_that_is_good(name: str) -> None:
    kind = CATALOGUE[name]
    event = parse(json.dumps({"type": name, "key": "k", **dict.fromkeys(kind.needs, "x")}).encode())
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


def test_the_document_in_docs_is_the_one_the_code_writes() -> None:
    kept = Path(__file__).parents[2] / "docs" / "asyncapi.json"
    assert kept.read_text() == asyncapi.text(), f"run: python -m clustergenie.events.asyncapi {kept}"


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = asyncapi.document()

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert len(found) > len(CATALOGUE)
    for reference in found:
        place: object = document
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(place, dict)
            place = place[step]
