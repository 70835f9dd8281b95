"""Deleting a cluster on which work is running, in each of the three ways; and what may not get in its way."""

import datetime as dt
from typing import Any

import pytest

from tests.live_server import LiveServer, Reply
from tests.waiting import poll_until

MANY = 60


@pytest.fixture
def busy(server: LiveServer, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A cluster with droplets of its own, and a job that is at work on more."""
    spec = {"name": request.node.name, "provider": "simulated", "wanted_size": 3}
    made = server.api.post("/clusters", spec)
    server.api.job(made["job"]["id"])
    cluster_id = made["cluster"]["id"]
    parameters = {"cluster_id": cluster_id, "count": MANY}
    job = server.api.post("/jobs", {"type": "provision", "parameters": parameters})["job"]
    return cluster_id, job["id"]


def delete(server: LiveServer, cluster_id: str, how: str) -> Reply:
    return server.api.send("DELETE", f"/clusters/{cluster_id}?on_conflict={how}")


def nothing_left_of(server: LiveServer, cluster_id: str) -> bool:
    assert server.api.send("GET", f"/clusters/{cluster_id}").status == 404
    assert server.api.everything("droplets", f"&cluster_id={cluster_id}") == []
    machines = (server.data_dir / "simulated" / "machines.jsonl").read_text().splitlines()
    made = [line for line in machines if cluster_id in line]
    assert made
    return True


def test_queue_waits_for_the_work_and_then_deletes(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, job_id = busy
    reply = delete(server, cluster_id, "queue")
    assert reply.status == 202
    assert reply.body["cluster"]["status"] == "deleting"
    assert server.api.job(reply.body["job"]["id"])["status"] == "completed"
    worked = server.api.job(job_id)
    # Either it had begun and was waited for, or it came after the decision and was told so.
    assert worked["status"] == "completed" or "being deleted" in worked["error"]
    assert nothing_left_of(server, cluster_id)


def test_reject_refuses_and_changes_nothing(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, job_id = busy
    reply = delete(server, cluster_id, "reject")
    assert reply.status == 409
    assert job_id in reply.body["detail"]
    assert server.api.job(job_id)["status"] == "completed"
    poll_until(lambda: server.api.get(f"/clusters/{cluster_id}")["cluster"]["active"] == MANY + 3, 20)


def test_replace_cancels_the_work(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, job_id = busy
    reply = delete(server, cluster_id, "replace")
    assert reply.status == 202
    assert server.api.job(reply.body["job"]["id"])["status"] == "completed"
    assert server.api.job(job_id)["status"] == "cancelled"
    assert nothing_left_of(server, cluster_id)


def test_twice_is_refused_and_the_first_goes_on(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, _ = busy
    first = delete(server, cluster_id, "replace")
    assert delete(server, cluster_id, "replace").status in (404, 409)
    assert server.api.job(first.body["job"]["id"])["status"] == "completed"


def test_a_cluster_that_is_going_takes_no_new_work(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, _ = busy
    first = delete(server, cluster_id, "queue")
    for what, body in (
        ("/jobs", {"type": "provision", "parameters": {"cluster_id": cluster_id}}),
        ("/jobs", {"type": "scale", "parameters": {"cluster_id": cluster_id, "target_size": 9}}),
        ("/droplets", {"name": "late", "cluster_id": cluster_id}),
    ):
        assert server.api.send("POST", what, body).status in (404, 409)
    assert server.api.job(first.body["job"]["id"])["status"] == "completed"


def later(server: LiveServer, cluster_id: str, kind: str, **parameters: Any) -> str:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    body = {"type": kind, "parameters": {"cluster_id": cluster_id, **parameters}, "run_at": moment.isoformat()}
    job: str = server.api.post("/jobs", body)["job"]["id"]
    return job


@pytest.mark.parametrize("how", ["queue", "replace"])
def test_work_of_a_later_time_does_not_hold_it_up(server: LiveServer, how: str) -> None:
    spec = {"name": f"later {how}", "provider": "simulated", "wanted_size": 2}
    made = server.api.post("/clusters", spec)
    server.api.job(made["job"]["id"])
    cluster_id = made["cluster"]["id"]
    waiting = [later(server, cluster_id, "scale", target_size=5), later(server, cluster_id, "provision")]
    reply = delete(server, cluster_id, how)
    assert server.api.job(reply.body["job"]["id"], 20)["status"] == "completed"
    for job_id in waiting:
        expected = "cancelled" if how == "replace" else "pending"
        assert server.api.get(f"/jobs/{job_id}")["job"]["status"] == expected


def test_a_deletion_whose_job_is_cancelled_is_taken_up_again(server: LiveServer, busy: tuple[str, str]) -> None:
    cluster_id, _ = busy
    reply = delete(server, cluster_id, "queue")
    server.api.send("POST", f"/jobs/{reply.body['job']['id']}/cancel")
    poll_until(lambda: nothing_left_of(server, cluster_id))
