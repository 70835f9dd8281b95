"""What a person gets wrong: each request is refused with a reason, and leaves no trace but a log line."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.live_server import LiveServer, Reply
from tests.waiting import poll_until

UNKNOWN = "cluster-that-is-not-there"
BUSY = ("leases", "workers", "droplet_vitals", "event_positions", "probes")
"""Tables in which a server writes by itself; those of measurements are left out by their name."""


def rows(server: LiveServer) -> dict[str, int]:
    """How many rows each table has, but for those that change by themselves."""
    with closing(sqlite3.connect(server.data_dir / "clustergenie.db", timeout=10)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        asked = [name for name in names if name not in BUSY and not name.startswith(("sqlite_", "metric"))]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in asked}  # noqa: S608


@pytest.fixture
def refuses(server: LiveServer) -> Iterator[Any]:
    """Sends what must be refused, and holds the answer, the database and the log to it."""

    def send(method: str, path: str, status: int, pointer: str | None = None, body: Any = None, **more: Any) -> Reply:
        before = rows(server)
        reply = server.api.send(method, path, body, **more)
        assert reply.status == status, reply
        assert reply.headers["content-type"].startswith("application/problem+json")
        document = reply.body
        assert document["status"] == status
        assert document["title"]
        assert document["type"].startswith("https://")
        assert document["error"] == document["detail"] != ""
        assert len(document["trace_id"]) == 32
        if pointer is not None:
            assert pointer in [error["pointer"] for error in document["errors"]], document
        assert rows(server) == before
        wanted = document["request_id"]
        poll_until(lambda: [line for line in server.lines() if line.get("request_id") == wanted])
        return reply

    return send


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/clusters/{UNKNOWN}", None),
        ("PUT", f"/clusters/{UNKNOWN}", {"name": "x"}),
        ("DELETE", f"/clusters/{UNKNOWN}", None),
        ("GET", f"/health/{UNKNOWN}", None),
        ("POST", "/diagnosis/diagnose", {"cluster_id": UNKNOWN}),
        ("POST", "/droplets", {"name": "web", "cluster_id": UNKNOWN}),
        ("POST", "/jobs", {"type": "provision", "parameters": {"cluster_id": UNKNOWN}}),
        ("POST", "/jobs", {"type": "scale", "parameters": {"cluster_id": UNKNOWN, "target_size": 1}}),
        ("POST", "/jobs", {"type": "diagnose", "parameters": {"cluster_id": UNKNOWN}}),
        ("POST", "/jobs", {"type": "monitor", "parameters": {"cluster_id": UNKNOWN}}),
        ("GET", "/droplets/droplet-none", None),
        ("DELETE", "/droplets/droplet-none", None),
        ("GET", "/jobs/job-none", None),
        ("POST", "/jobs/job-none/cancel", None),
        ("GET", "/nothing/here", None),
    ],
)
def test_what_is_not_there_is_a_404(refuses: Any, method: str, path: str, body: Any) -> None:
    refuses(method, path, 404, body=body)


@pytest.mark.parametrize(
    "name", ["", "x" * 256, "tab\there", "line\nbreak", "nul\x00", "del\x7f", "   ", None, 7, ["a"]]
)
@pytest.mark.parametrize("what", ["clusters", "droplets"])
def test_a_name_that_is_none_is_a_422(refuses: Any, what: str, name: Any) -> None:
    refuses("POST", f"/{what}", 422, "/name", body={"name": name})


def test_a_missing_name_is_a_422(refuses: Any) -> None:
    refuses("POST", "/clusters", 422, body={})


def test_a_name_of_255_characters_of_any_script_is_fine(server: LiveServer) -> None:
    name = "Ünïcode 集群 🧞" + "x" * 241
    created = server.api.post("/clusters", {"name": name})
    assert created["cluster"]["name"] == name


def test_a_name_that_is_taken_is_a_409(server: LiveServer, refuses: Any) -> None:
    server.api.post("/clusters", {"name": "taken"})
    other = server.api.post("/clusters", {"name": "not taken"})["cluster"]
    refuses("POST", "/clusters", 409, body={"name": "taken"})
    refuses("PUT", f"/clusters/{other['id']}", 409, body={"name": "taken"})
    made = server.api.post("/droplets", {"name": "one", "cluster_id": other["id"], "provider": "simulated"})
    server.api.job(made["job"]["id"])
    poll_until(lambda: server.api.get(f"/clusters/{other['id']}")["cluster"]["status"] == "healthy")
    refuses("POST", "/droplets", 409, body={"name": "one", "cluster_id": other["id"], "provider": "simulated"})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"type": "make-coffee"}, "/type"),
        ({"type": "heal", "parameters": {"cluster_id": "cluster-1"}}, "/type"),
        ({"type": ""}, "/type"),
        ({"parameters": {}}, "/type"),
        ({"type": "scale", "parameters": {}}, "/parameters/cluster_id"),
        ({"type": "scale", "parameters": {"cluster_id": "cluster-1"}}, "/parameters/target_size"),
        ({"type": "scale", "parameters": {"cluster_id": "cluster-1", "target_size": -1}}, "/parameters/target_size"),
        ({"type": "scale", "parameters": {"cluster_id": "cluster-1", "action": "sideways"}}, "/parameters/action"),
        ({"type": "provision", "parameters": {}}, "/parameters/cluster_id"),
        ({"type": "provision", "parameters": {"cluster_id": "cluster-1", "count": 0}}, "/parameters/count"),
        ({"type": "provision", "parameters": {"cluster_id": "cluster-1", "count": "many"}}, "/parameters/count"),
        ({"type": "provision", "parameters": {"cluster_id": "cluster-1", "sise": "x"}}, "/parameters/sise"),
        ({"type": "diagnose", "parameters": {}}, "/parameters/cluster_id"),
        ({"type": "noop", "priority": -1}, "/priority"),
        ({"type": "noop", "max_attempts": 0}, "/max_attempts"),
        ({"type": "noop", "run_at": "yesterday"}, "/run_at"),
        ({"type": "noop", "run_at": "2026-01-01T00:00:00"}, "/run_at"),
        ({"type": "noop", "on_conflict": "fight"}, "/on_conflict"),
        ({"type": "noop", "parameters": {"a": {"b": 1}}}, "/parameters"),
        ({"type": "noop", "surprise": 1}, "/surprise"),
        ({"type": "noop", "parameters": []}, "/parameters"),
    ],
)
def test_a_job_that_makes_no_sense_is_a_422_that_points_at_it(refuses: Any, body: Any, pointer: str) -> None:
    refuses("POST", "/jobs", 422, pointer, body=body)


@pytest.mark.parametrize("field", ["provider", "size", "region", "image"])
def test_what_no_provider_offers_is_a_422(refuses: Any, field: str) -> None:
    wish = {"name": "x", "provider": "simulated", field: "no-such-thing"}
    refuses("POST", "/droplets", 422, f"/{field}", body=wish)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"name=web", b"\xff\xfe", b'{"name": "a",}', b"{'name': 'a'}", b"[" * 50_000]
)
def test_a_body_that_is_not_json_is_a_4xx(server: LiveServer, refuses: Any, raw: bytes) -> None:
    reply = server.api.send("POST", "/clusters", raw=raw)
    assert reply.status in (400, 422), reply
    refuses("POST", "/clusters", reply.status, raw=raw)


@pytest.mark.parametrize("body", [[], "text", 7, None, True, {"name": {"a": 1}}])
def test_json_of_another_shape_is_a_422(refuses: Any, body: Any) -> None:
    refuses("POST", "/clusters", 422, raw=json.dumps(body).encode())


def test_a_body_of_more_than_a_megabyte_is_a_413(refuses: Any) -> None:
    refuses("POST", "/clusters", 413, raw=json.dumps({"name": "x" * 1_100_000}).encode())


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json"])
def test_a_body_of_another_type_is_a_415(refuses: Any, kind: str) -> None:
    refuses("POST", "/clusters", 415, raw=b'{"name": "typed"}', headers={"Content-Type": kind})


@pytest.mark.parametrize("what", ["clusters", "droplets", "jobs", "events", "metrics"])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("sort_by=colour", "?sort_by"),
        ("sort_dir=sideways", "?sort_dir"),
        ("colour=red", "?colour"),
        ("page=0", "?page"),
        ("page=one", "?page"),
        ("page_size=101", "?page_size"),
        ("page_size=-1", "?page_size"),
        ("cursor=invented", "?cursor"),
    ],
)
def test_an_unknown_sort_filter_or_page_is_a_422(refuses: Any, what: str, query: str, pointer: str) -> None:
    refuses("GET", f"/{what}?{query}", 422, pointer)


@pytest.mark.parametrize("what", ["clusters", "droplets", "jobs"])
def test_an_unknown_status_is_a_422(refuses: Any, what: str) -> None:
    refuses("GET", f"/{what}?status=happy", 422, "?status")


@pytest.mark.parametrize("what", ["clusters", "droplets", "jobs", "events", "metrics"])
def test_a_page_beyond_the_end_is_empty(server: LiveServer, what: str) -> None:
    page = server.api.get(f"/{what}?page=1000000&page_size=100")
    assert page[what] == []
    assert page["next_cursor"] is None
    assert page["page"] == 1_000_000


def test_another_method_is_a_405(refuses: Any) -> None:
    reply = refuses("DELETE", "/clusters", 405)
    assert "GET" in reply.headers["allow"]


def test_one_idempotency_key_for_two_requests_is_a_422(server: LiveServer, refuses: Any) -> None:
    key = {"Idempotency-Key": "the-same"}
    first = server.api.send("POST", "/jobs", {"type": "noop"}, headers=key)
    again = server.api.send("POST", "/jobs", {"type": "noop"}, headers=key)
    assert (first.status, again.status) == (201, 200)
    assert first.body["job"]["id"] == again.body["job"]["id"]
    server.api.job(first.body["job"]["id"])
    refuses("POST", "/jobs", 422, body={"type": "noop", "priority": 3}, headers=key)


def test_a_revision_that_is_not_the_current_one_is_a_409(server: LiveServer, refuses: Any) -> None:
    cluster = server.api.post("/clusters", {"name": "twice changed"})["cluster"]
    changed = server.api.put(f"/clusters/{cluster['id']}", {"region": "ams3", "revision": cluster["revision"]})
    assert changed["cluster"]["revision"] == cluster["revision"] + 1
    refuses("PUT", f"/clusters/{cluster['id']}", 409, body={"region": "fra1", "revision": cluster["revision"]})
