"""Jobs and schedules over HTTP: statuses, envelopes, pointers, filters and pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from clustergenie import jobs
from clustergenie.jobs import routes
from clustergenie.platform import http
from tests import databases
from tests.jobs import queues

Client = TestClient[Any]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A server of jobs without a worker: what is asked for stays as it was asked."""
    queues.prepare(tmp_path / "jobs.db")
    db, sequencer = databases.made(tmp_path / "jobs.db")
    pool = jobs.Pool(db, jobs.store_for(db.dialect), [], count=2, queue=3)
    given = {"db": db, "submit": routes.Submit(db), "pool": pool}
    life = {"on_startup": [db.start, sequencer.start], "on_shutdown": [sequencer.stop, db.stop]}
    app = http.build(routes.routes, version="0", dependencies=given, **life)
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


def test_a_schedule_is_told_in_words_and_moments_before_it_is_kept(client: Client) -> None:
    asked = {"cron": "30 2 * * 1-5", "time_zone": "Europe/Berlin", "count": 3}
    seen = client.get("/schedules/preview", params=asked).json()
    assert seen["words"] == "At 02:30 on Monday through Friday"
    assert len(seen["slots"]) == 3
    assert seen["slots"] == sorted(seen["slots"])
    assert len(client.get("/schedules/preview", params={"cron": "* * * * *"}).json()["slots"]) == 5
    wrong = [
        ({"cron": "61 * * * *"}, "?cron"),
        ({"cron": "0 0 30 2 *"}, "?cron"),
        ({"cron": "* *"}, "?cron"),
        ({"cron": "* * * * *", "time_zone": "Moon"}, "?time_zone"),
    ]
    for query, pointer in wrong:
        answer = client.get("/schedules/preview", params=query)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert client.get("/schedules/preview", params={**asked, "count": 51}).status_code == 422


def test_a_schedule_runs_at_once_when_asked_and_keeps_its_slot(client: Client) -> None:
    body = {"name": "nightly", "cron": "0 3 * * *", "type": "work", "parameters": {"name": "x"}, "paused": True}
    schedule = client.post("/schedules", json=body).json()["schedule"]
    answer = client.post(f"/schedules/{schedule['id']}/run")
    assert (answer.status_code, answer.json()["message"]) == (201, "queued")
    job, after = answer.json()["job"], answer.json()["schedule"]
    assert (job["type"], job["status"], job["parameters"]["name"]) == ("work", "pending", "x")
    assert (after["last_job_id"], after["next_run_at"]) == (job["id"], schedule["next_run_at"])
    assert client.post("/schedules/schedule-nobody/run").status_code == 404


def test_the_pool_and_the_queue_are_shown(client: Client) -> None:
    made(client)
    seen = client.get("/observability/workerpool").json()
    assert (seen["worker_count"], seen["queue_capacity"], seen["active_workers"]) == (2, 3, 0)
    assert (seen["queue"]["ready"], seen["queue"]["workers"]) == (1, [])


def test_every_answer_of_jobs_is_documented(client: Client) -> None:
    answers = client.get("/openapi.json").json()["paths"]["/jobs"]["post"]["responses"]
    assert {"200", "201", "400", "409", "422", "503"} <= set(answers)


def test_jobs_are_counted_by_status_with_the_filters_of_the_list(client: Client) -> None:
    first, *_ = [made(client, parameters={"cluster_id": f"cluster-{place % 2}"}) for place in range(5)]
    client.post(f"/jobs/{first['id']}/cancel")
    answer = client.get("/jobs/counts").json()
    nothing = {"running": 0, "completed": 0, "failed": 0}
    assert answer == {"counts": nothing | {"pending": 4, "cancelled": 1}, "total": 5}
    listed = client.get("/jobs", params={"status": "pending", "counts": "true"}).json()
    assert (listed["total"], listed["counts"]) == (4, answer["counts"])
    assert client.get("/jobs").json()["counts"] is None
    of_cluster = client.get("/jobs/counts", params={"cluster_id": "cluster-0"}).json()
    assert of_cluster == {"counts": nothing | {"pending": 2, "cancelled": 1}, "total": 3}
    assert client.get("/jobs/counts", params={"trace_id": "f" * 32}).json()["total"] == 0
    for status, count in answer["counts"].items():
        assert client.get("/jobs", params={"status": status}).json()["total"] == count


def test_jobs_sort_by_the_status_that_is_shown(client: Client) -> None:
    made(client)
    cancelled = made(client)
    client.post(f"/jobs/{cancelled['id']}/cancel")
    page = client.get("/jobs", params={"sort_by": "status", "sort_dir": "asc"}).json()
    assert [job["status"] for job in page["jobs"]] == ["cancelled", "pending"]


def test_many_jobs_are_cancelled_and_tried_again_each_on_its_own(client: Client) -> None:
    waiting = [made(client)["id"] for _ in range(3)]
    client.post(f"/jobs/{waiting[0]}/cancel")
    asked = {"action": "cancel", "ids": [*waiting, "job-nobody-knows", waiting[1]]}
    answer = client.post("/jobs/bulk", json=asked)
    assert answer.status_code == 200
    reply = answer.json()
    assert (reply["done"], reply["failed"], reply["message"]) == (2, 2, "2 done, 2 refused")
    assert [(item["id"], item["done"]) for item in reply["results"]] == [
        (waiting[0], False),
        (waiting[1], True),
        (waiting[2], True),
        ("job-nobody-knows", False),
    ]
    refused = [item["problem"] for item in reply["results"] if not item["done"]]
    assert [problem["type"].rsplit("/", 1)[-1] for problem in refused] == ["job-ended", "job-not-found"]
    again = client.post("/jobs/bulk", json={"action": "retry", "ids": waiting}).json()
    assert (again["done"], again["failed"]) == (3, 0)
    assert client.get("/jobs/counts").json()["counts"]["pending"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"action": "cancel", "ids": []},
        {"action": "cancel", "ids": ["job-x"] * 101},
        {"action": "cancel", "ids": [""]},
        {"action": "cancel", "ids": ["x" * 300]},
        {"action": "cancel", "ids": [3]},
        {"action": "delete", "ids": ["job-x"]},
        {"action": "cancel", "ids": ["job-x"], "force": True},
    ],
)
def test_a_call_for_many_jobs_is_bounded_and_checked(client: Client, body: dict[str, Any]) -> None:
    answer = client.post("/jobs/bulk", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/")


def test_a_job_that_has_done_nothing_remembers_no_steps(client: Client) -> None:
    assert client.get(f"/jobs/{made(client)['id']}/steps").json() == {"steps": []}
    assert client.get("/jobs/job-nobody-knows/steps").status_code == 404
