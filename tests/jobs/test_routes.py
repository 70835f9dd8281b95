"""Jobs and schedules over HTTP: statuses, envelopes, pointers, filters and pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from clustergenie import events, jobs
from clustergenie.jobs import routes
from clustergenie.platform import http
from clustergenie.platform.db import Database
from clustergenie.platform.sqlite import SqliteBackend
from tests.jobs import queues

Client = TestClient[Any]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A server of jobs without a worker: what is asked for stays as it was asked."""
    queues.prepare(tmp_path / "jobs.db")
    db = Database(SqliteBackend(tmp_path / "jobs.db", events.append))
    given = {"db": db, "submit": routes.Submit(db), "pool": jobs.Pool(db, jobs.SqliteStore(), [], count=2, queue=3)}
    app = http.build(routes.routes, version="0", dependencies=given, on_startup=[db.start], on_shutdown=[db.stop])
    with TestClient(app, raise_server_exceptions=False) as served:
        yield served


def made(client: Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/jobs", json={"type": "work"} | body)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()["job"]
    return job


def test_a_job_is_created_shown_cancelled_and_tried_again(client: Client) -> None:
    job = made(client, parameters={"name": "x", "count": "3"}, priority=7)
    assert (job["status"], job["state"], job["priority"]) == ("pending", "ready", 7)
    assert job["parameters"] == {"name": "x", "serial": None, "unique": None, "cluster_id": None, "count": 3}
    assert client.get(f"/jobs/{job['id']}").json() == {"job": job, "message": "ok"}
    assert client.get(f"/jobs/{job['id']}/attempts").json() == {"attempts": []}
    cancelled = client.post(f"/jobs/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["message"]) == (200, "cancelled")
    assert client.post(f"/jobs/{job['id']}/cancel").status_code == 409
    again = client.post(f"/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["job"]["status"]) == (200, "pending")
    assert client.post(f"/jobs/{job['id']}/retry").status_code == 409
    page = client.get(f"/jobs/{job['id']}/events", params={"sort_dir": "asc"}).json()
    assert [event["type"] for event in page["events"]] == ["job_requested", "job_cancelled", "job_progress"]
    assert (page["page"], page["total"], page["next_cursor"]) == (1, 3, None)


@pytest.mark.parametrize("path", ["", "/attempts", "/events"])
def test_an_unknown_job_is_not_found(client: Client, path: str) -> None:
    answer = client.get(f"/jobs/job-nobody-knows{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"].endswith("/job-not-found")
    assert client.post(f"/jobs/job-nobody-knows{path}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"),
        ({"type": ""}, "/type"),
        ({"type": "nonsense"}, "/type"),
        ({"type": "another"}, "/type"),
        ({"type": 3}, "/type"),
        ({"type": "work", "parameters": {"count": "many"}}, "/parameters/count"),
        ({"type": "work", "parameters": {"what/ever": 1}}, "/parameters/what~1ever"),
        ({"type": "work", "priority": 1001}, "/priority"),
        ({"type": "work", "max_attempts": 0}, "/max_attempts"),
        ({"type": "work", "run_at": "tomorrow"}, "/run_at"),
        ({"type": "work", "run_at": "2026-01-01T00:00:00"}, "/run_at"),
        ({"type": "work", "run_at": "9999-12-31T23:59:59Z"}, "/run_at"),
        ({"type": "work", "run_at": "9999-12-31T23:59:59-12:00"}, "/run_at"),
        ({"type": "work", "on_conflict": "hope"}, "/on_conflict"),
        ({"type": "work", "unique_key": "with space"}, "/unique_key"),
    ],
)
def test_a_request_that_is_not_valid_is_refused_at_its_place(client: Client, body: Any, pointer: str) -> None:
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
    assert client.get("/jobs").json()["total"] == 0


@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"[]", 422), (b"", 400), (b'"x"', 422)])
def test_a_body_that_is_no_request_is_refused(client: Client, content: bytes, status: int) -> None:
    answer = client.post("/jobs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (status, 422), answer.text


def test_a_moment_that_has_passed_is_now_and_one_to_come_is_told_in_utc(client: Client) -> None:
    assert made(client, run_at="0001-01-01T00:00:00+12:00")["state"] == "ready"
    later = (queues.dt.datetime.now(queues.dt.UTC) + queues.dt.timedelta(days=2)).replace(microsecond=0)
    there = later.astimezone(queues.dt.timezone(queues.dt.timedelta(hours=5)))
    job = made(client, run_at=there.isoformat())
    assert (job["state"], job["run_at"]) == ("scheduled", later.isoformat().replace("+00:00", "Z"))


def test_an_idempotency_key_is_answered_with_the_first_job(client: Client) -> None:
    def ask(body: dict[str, Any], key: str) -> Any:
        return client.post("/jobs", json=body, headers={"Idempotency-Key": key})

    first = ask({"type": "work", "parameters": {"name": "x", "count": 1}}, "k-1")
    again = ask({"parameters": {"count": 1, "name": "x"}, "on_conflict": "queue", "type": "work"}, "k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {"job": first.json()["job"], "message": "already there"}
    other = ask({"type": "work"}, "k-1")
    assert (other.status_code, other.json()["type"].rsplit("/", 1)[1]) == (422, "key-reused")
    for bad in ("with space", "x" * 256, ""):
        assert ask({"type": "work"}, bad).status_code == 422, bad
    assert client.get("/jobs").json()["total"] == 1


def test_a_conflict_names_the_job_in_the_way(client: Client) -> None:
    first = made(client, parameters={"serial": "a"})
    refused = client.post("/jobs", json={"type": "work", "parameters": {"serial": "a"}, "on_conflict": "reject"})
    assert (refused.status_code, refused.json()["job_id"]) == (409, first["id"])
    replacing = made(client, parameters={"serial": "a"}, on_conflict="replace")
    assert client.get(f"/jobs/{first['id']}").json()["job"]["status"] == "cancelled"
    assert replacing["status"] == "pending"


def test_lists_are_filtered_sorted_and_paged(client: Client) -> None:
    ids = [made(client, parameters={"cluster_id": f"cluster-{n % 2}"}, priority=n)["id"] for n in range(25)]
    client.post(f"/jobs/{ids[0]}/cancel")

    def seen(**query: Any) -> list[str]:
        return [job["id"] for job in client.get("/jobs", params=query).json()["jobs"]]

    assert seen(status="cancelled") == [ids[0]]
    assert len(seen(status="pending", page_size=100)) == 24
    assert set(seen(cluster_id="cluster-1")) == set(ids[1::2])
    assert seen(type="noop") == []
    assert seen(page=1000) == []
    assert seen(sort_by="priority", sort_dir="asc", page_size=3) == ids[:3]
    walked: list[str] = []
    query: dict[str, Any] = {"page_size": 7}
    while True:
        page = client.get("/jobs", params=query).json()
        walked += [job["id"] for job in page["jobs"]]
        assert page["total"] == 25
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(walked) == sorted(ids)


@pytest.mark.parametrize(
    ("name", "value"),
    [("color", "red"), ("status", "odd"), ("sort_by", "shoe"), ("page", "0"), ("page_size", "101"), ("cursor", "x")],
)
def test_a_question_that_makes_no_sense_is_refused(client: Client, name: str, value: str) -> None:
    answer = client.get("/jobs", params={name: value})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"?{name}"]


def test_schedules_are_created_changed_listed_and_deleted(client: Client) -> None:
    body = {"name": "nightly", "cron": "0 3 * * *", "time_zone": "Europe/Berlin", "type": "work"}
    created = client.post("/schedules", json=body)
    assert created.status_code == 201
    schedule = created.json()["schedule"]
    path = f"/schedules/{schedule['id']}"
    assert client.post("/schedules", json=body).status_code == 409
    changed = client.put(path, json=body | {"paused": True, "version": 1})
    assert (changed.status_code, changed.json()["schedule"]["version"]) == (200, 2)
    assert client.put(path, json=body | {"version": 1}).status_code == 409
    assert client.get("/schedules").json()["total"] == 1
    wrong = client.post("/schedules", json=body | {"name": "x", "cron": "61 * * * *"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/cron")
    assert client.delete(path).json()["message"] == "deleted"
    for answer in (client.get(path), client.put(path, json=body), client.delete(path)):
        assert answer.status_code == 404


def test_the_pool_and_the_queue_are_shown(client: Client) -> None:
    made(client)
    seen = client.get("/observability/workerpool").json()
    assert (seen["worker_count"], seen["queue_capacity"], seen["active_workers"]) == (2, 3, 0)
    assert (seen["queue"]["ready"], seen["queue"]["workers"]) == (1, [])


def test_every_answer_of_jobs_is_documented(client: Client) -> None:
    answers = client.get("/openapi.json").json()["paths"]["/jobs"]["post"]["responses"]
    assert {"200", "201", "400", "409", "422", "503"} <= set(answers)
