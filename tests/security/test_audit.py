"""Who did what: every change of every slice leaves one entry, that nobody can change, with no secret in it."""

import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.live_server import PROGRAM, LiveServer, Reply, live_server
from tests.waiting import poll_until

DAY = 86_400 * 1_000_000
# Changing routes that leave no entry of their own, each with the reason.
NOT_AUDITED = {
    "/api/v1/metrics": "measurements are telemetry",
    "/api/v1/agent/enroll": "agents; a droplet's events tell of it",
    "/api/v1/agent/heartbeat": "agents",
    "/api/v1/diagnosis/diagnose": "looks, and changes nothing that it looks at",
    "/api/v1/schedule": "plans, and keeps nothing",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("server") / "data", CLUSTERGENIE_RECONCILE_SECONDS="300") as running:
        yield running


def entries(server: LiveServer, filters: str = "") -> list[Any]:
    return list(server.api.get(f"/audit?page_size=100{filters}")["entries"])


def acted(server: LiveServer, method: str, path: str, body: Any = None, **more: Any) -> tuple[Reply, list[Any]]:
    """A request, and what the trail says about it."""
    reply = server.api.send(method, path, body, **more)
    return reply, entries(server, f"&q={reply.headers['x-request-id']}")


def one(found: list[Any], action: str) -> Any:
    """The only entry, which is about this."""
    assert [entry["action"] for entry in found] == [action]
    return found[0]


def test_an_entry_says_who_what_when_from_where_and_in_which_request(server: LiveServer) -> None:
    reply, found = acted(server, "POST", "/clusters", {"name": "audited", "region": "nyc3"})
    entry = one(found, "cluster.create")
    assert entry["target"] == entry["cluster_id"] == reply.body["cluster"]["id"]
    assert (entry["actor"], entry["actor_name"], entry["actor_kind"]) == ("loopback", "local admin", "loopback")
    assert entry["address"] == "127.0.0.1"
    assert entry["before"] is None
    assert entry["after"]["name"] == "audited"
    assert entry["request_id"] == reply.headers["x-request-id"]
    assert entry["trace_id"] == reply.headers["x-trace-id"]
    moment = dt.datetime.fromisoformat(entry["at"])
    assert abs((moment - dt.datetime.now(dt.UTC)).total_seconds()) < 60


def test_a_change_keeps_what_differs_and_nothing_else(server: LiveServer) -> None:
    cluster = server.api.post("/clusters", {"name": "changing", "region": "nyc3"})["cluster"]["id"]
    _, found = acted(server, "PUT", f"/clusters/{cluster}", {"name": "changed", "region": "nyc3", "wanted_size": 0})
    entry = one(found, "cluster.update")
    assert entry["before"] == {"name": "changing"}
    assert entry["after"] == {"name": "changed"}


def test_every_change_of_every_slice_leaves_its_entry(server: LiveServer) -> None:
    api = server.api
    seen: set[str] = set()

    def act(action: str, method: str, path: str, body: Any = None) -> Any:
        reply, found = acted(server, method, path, body)
        assert reply.ok, reply
        assert action in [entry["action"] for entry in found], (method, path, found)
        seen.add(action)
        return reply.body

    cluster = act("cluster.create", "POST", "/clusters", {"name": "all of it"})["cluster"]["id"]
    act("cluster.update", "PUT", f"/clusters/{cluster}", {"region": "ams3"})
    made = act("droplet.create", "POST", "/droplets", {"name": "one", "cluster_id": cluster, "provider": "simulated"})
    api.job(made["job"]["id"])
    act("droplet.delete", "DELETE", f"/droplets/{made['droplet']['id']}")
    more = act("droplet.create", "POST", "/droplets", {"name": "two", "provider": "simulated"})
    api.job(more["job"]["id"])
    act("droplet.delete", "POST", "/droplets/bulk", {"action": "destroy", "ids": [more["droplet"]["id"]]})
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    job = act("job.create", "POST", "/jobs", {"type": "noop", "run_at": later})["job"]["id"]
    act("job.cancel", "POST", f"/jobs/{job}/cancel")
    act("job.retry", "POST", f"/jobs/{job}/retry")
    api.job(job)
    waiting = act("job.create", "POST", "/jobs", {"type": "noop", "run_at": later})["job"]["id"]
    act("job.cancel", "POST", "/jobs/bulk", {"action": "cancel", "ids": [waiting]})
    spec = {"name": "nightly", "cron": "0 3 * * *", "type": "noop"}
    schedule = act("schedule.create", "POST", "/schedules", spec)["schedule"]["id"]
    act("schedule.update", "PUT", f"/schedules/{schedule}", {**spec, "cron": "0 4 * * *"})
    act("schedule.run", "POST", f"/schedules/{schedule}/run")
    act("schedule.delete", "DELETE", f"/schedules/{schedule}")
    rule = {"name": "things", "scope": "global", "capacity": 5, "refill_rate": 1.0}
    act("limit.set", "POST", "/observability/ratelimit/config", rule)
    act("limit.delete", "DELETE", "/observability/ratelimit/config?name=things&scope=global")
    act("cluster.delete", "DELETE", f"/clusters/{cluster}")
    assert len(seen) == 14


def test_no_changing_route_is_forgotten(server: LiveServer) -> None:
    """A new one is either acted on by a test here, or listed with the reason why not."""
    acted_on = {
        *("/clusters", "/clusters/{cluster_id}", "/droplets", "/droplets/{droplet_id}", "/droplets/bulk"),
        *("/jobs", "/jobs/{job_id}/cancel", "/jobs/{job_id}/retry", "/jobs/bulk"),
        *("/schedules", "/schedules/{schedule_id}", "/schedules/{schedule_id}/run"),
        *("/observability/ratelimit/config",),
        *("/droplets/orphans/{ref}/adopt", "/droplets/orphans/{ref}/destroy", "/droplets/orphans/bulk"),
        *("/events/dead-letters/{dead_letter_id}/replay",),
        *("/auth/login", "/auth/logout", "/auth/setup", "/auth/oidc"),
        *("/auth/keys", "/auth/keys/{key_id}", "/auth/keys/{key_id}/rotate", "/auth/sessions/{session_id}"),
    }
    known = {"/api/v1" + path for path in acted_on} | set(NOT_AUDITED)
    paths = server.api.get("//openapi.json")["paths"]
    changing = {path for path, methods in paths.items() if {"post", "put", "delete"} & set(methods)}
    assert len(changing) > 15
    assert changing - known == {"/observability/ratelimit/config"}  # the same as below /api/v1


def test_what_was_refused_or_led_to_nothing_new_is_not_there(server: LiveServer) -> None:
    assert acted(server, "POST", "/clusters", {"name": ""})[1] == []
    assert acted(server, "DELETE", "/clusters/none")[1] == []
    assert acted(server, "POST", "/clusters", {"name": "default"})[1] == []
    key = {"Idempotency-Key": "audited-once"}
    assert len(acted(server, "POST", "/jobs", {"type": "noop"}, headers=key)[1]) == 1
    again = server.api.send("POST", "/jobs", {"type": "noop"}, headers=key)
    assert again.status == 200
    assert len(entries(server, f"&target={again.body['job']['id']}")) == 1


def test_filters_and_pages(server: LiveServer) -> None:
    for name in ("filter 1", "filter 2", "filter 3"):
        server.api.post("/clusters", {"name": name})
    found = entries(server, "&q=filter%20")
    assert [entry["after"]["name"] for entry in found] == ["filter 3", "filter 2", "filter 1"]
    assert {entry["action"] for entry in entries(server, "&action=cluster")} >= {"cluster.create"}
    assert entries(server, "&action=clust") == []
    assert entries(server, "&actor=key:nobody") == []
    middle = found[1]
    assert [x["id"] for x in entries(server, f"&target={middle['target']}")] == [middle["id"]]
    at = middle["at"].replace("+", "%2B")
    assert middle["id"] in [x["id"] for x in entries(server, f"&from={at}")]
    assert middle["id"] not in [x["id"] for x in entries(server, f"&to={at}")]
    assert min(x["id"] for x in entries(server, f"&after={middle['id']}")) > middle["id"]
    page = server.api.get("/audit?page_size=1")
    assert (
        server.api.get(f"/audit?page_size=1&cursor={page['next_cursor']}")["entries"][0]["id"]
        < page["entries"][0]["id"]
    )


@pytest.mark.parametrize(
    "query", ["from=yesterday", "from=2026-01-01T00:00:00", "after=-1", "colour=red", "sort_by=who"]
)
def test_a_filter_that_is_none_is_a_422(server: LiveServer, query: str) -> None:
    assert server.api.send("GET", f"/audit?{query}").status == 422


def test_secrets_do_not_get_into_the_trail(tmp_path: Path) -> None:
    with live_server(tmp_path / "data") as server:
        reply = server.api.send("POST", "/auth/keys", {"name": "k", "grants": [{"role": "admin"}]})
        secret = reply.body["secret"]
        as_admin = {"Authorization": f"Bearer {secret}"}
        found = server.api.send("GET", f"/audit?q={reply.headers['x-request-id']}", headers=as_admin)
        assert one(found.body["entries"], "key.create")["after"]["name"] == "k"
        login = server.api.send("POST", "/auth/login", {"key": secret})
        cookie = login.headers["set-cookie"].split(";")[0]
        found = server.api.send("GET", f"/audit?q={login.headers['x-request-id']}", headers=as_admin)
        assert one(found.body["entries"], "login")["actor"] == f"key:{reply.body['key']['id']}"
        with closing(sqlite3.connect(server.data_dir / "clustergenie.db")) as db:
            text = "".join(str(row) for row in db.execute("SELECT * FROM audit_log"))
        for hidden in (secret, secret.split("_", 2)[2], cookie.partition("=")[2]):
            assert hidden not in text


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a server that has noted one act, and stopped."""
    with live_server(tmp_path / "data") as server:
        server.api.post("/clusters", {"name": "kept"})
    with closing(sqlite3.connect(tmp_path / "data" / "clustergenie.db", isolation_level=None)) as db:
        yield db


def test_the_database_itself_refuses_to_change_or_delete_an_entry(trail: sqlite3.Connection) -> None:
    before = trail.execute("SELECT * FROM audit_log").fetchall()
    assert len(before) == 1
    now = trail.execute("SELECT at FROM audit_log").fetchone()[0]

    def refused(statement: str, *values: int) -> None:
        with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
            trail.execute(statement, values)

    make_room = "INSERT INTO audit_floor (id, keep_from) VALUES (1, ?)"
    refused("UPDATE audit_log SET actor = 'somebody else'")
    refused("DELETE FROM audit_log")
    refused(make_room, now + DAY)
    trail.execute(make_room, (now - 10 * DAY,))
    refused("UPDATE audit_floor SET keep_from = ?", now + DAY)
    refused("DELETE FROM audit_log")
    assert trail.execute("SELECT * FROM audit_log").fetchall() == before


def test_retention_forgets_what_is_old_and_only_that(tmp_path: Path) -> None:
    with live_server(tmp_path / "data", CLUSTERGENIE_AUDIT_RETENTION_DAYS="30") as server:
        server.api.post("/clusters", {"name": "young"})
        server.terminate()
        others = "actor, actor_name, actor_kind, address, action, request_id, trace_id"
        copied = f"INSERT INTO audit_log (at, target, {others}) SELECT at - ?, ?, {others} FROM audit_log WHERE id = 1"  # noqa: S608
        with closing(sqlite3.connect(server.data_dir / "clustergenie.db", isolation_level=None)) as db:
            for days in (29, 31, 400):
                db.execute(copied, (days * DAY, str(days)))
        server.start()
        poll_until(lambda: {entry["target"] for entry in entries(server)} & {"31", "400"} == set())
        assert "29" in {entry["target"] for entry in entries(server)}
        assert len(entries(server)) == 2


def run(server: LiveServer, *words: str) -> str:
    """What a command line prints."""
    environment = {**os.environ, "CLUSTERGENIE_SERVER": server.url}
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_the_command_line_lists_the_trail_and_follows_it(server: LiveServer) -> None:
    server.api.post("/clusters", {"name": "told by the command line"})
    table = run(server, "audit", "list", "--query", "told by the command line")
    assert "cluster.create" in table
    assert "local admin" in table
    command = [sys.executable, "-c", PROGRAM, "audit", "follow", "--count", "1", "-o", "json"]
    environment = {**os.environ, "CLUSTERGENIE_SERVER": server.url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as following:

        def told() -> bool:  # what happens before it has begun to follow is not news to it
            server.api.post("/clusters", {"name": f"news {time.monotonic_ns()}"})
            return following.poll() is not None

        poll_until(told, 60)
        assert following.stdout is not None
        assert json.loads(following.stdout.read())["action"] == "cluster.create"
