import threading
from typing import Any

import pytest

from clustergenie.client import Client, JobCancelled, JobFailed, Message, NotFound, Unreachable, WaitTimedOut
from clustergenie.client.stream import parse
from tests.client.toy_api import HANG_UP, Asked, Sse, ToyApi, block, problem


def job(status: str, progress: int = 0, **more: Any) -> dict[str, Any]:
    return {"job": {"id": "job-1", "type": "noop", "status": status, "progress": progress, **more}}


def lines(text: str) -> list[bytes]:
    return [line.encode() + b"\n" for line in text.split("\n")]


def test_a_stream_is_read_as_the_standard_says() -> None:
    text = ': hello\n\nid: 7\nevent: a\ndata: {"x":\ndata: 1}\n\nretry: 5\ndata:2\n\nid: 9\n\ndata: cut off'
    assert list(parse(lines(text))) == [Message("a", "7", {"x": 1}), Message("message", "7", 2), Message("", "9", None)]


def test_a_job_that_is_over_is_answered_at_once(api: ToyApi, client: Client) -> None:
    api.on("GET", "/jobs/job-1", job("completed", 100))
    assert client.wait_for_job("job-1")["status"] == "completed"


@pytest.mark.parametrize(("status", "error"), [("failed", JobFailed), ("cancelled", JobCancelled)])
def test_a_job_that_did_not_complete_is_a_failure(
    api: ToyApi, client: Client, status: str, error: type[JobFailed]
) -> None:
    api.on("GET", "/jobs/job-1", job(status, error="no capacity"))
    with pytest.raises(error, match=f"Job job-1 {status}: no capacity") as caught:
        client.wait_for_job("job-1")
    assert caught.value.job["status"] == status


def test_the_stream_tells_when_to_look(api: ToyApi, client: Client) -> None:
    api.in_turn("GET", "/jobs/job-1", job("running", 10), job("completed", 100))
    hold = threading.Event()
    blocks = [block(1, "job_progress", job_id="job-1", progress=30), block(2, "job_completed", job_id="job-1")]
    api.on("GET", "/events/stream", Sse(blocks, hold))
    seen = list(client.follow_job("job-1", timeout=30))
    hold.set()
    assert [update.event["type"] for update in seen if update.event] == ["job_progress", "job_completed"]
    assert seen[-1].subject["status"] == "completed"
    assert api.calls("GET", "/events/stream")[0].query == {"job_id": "job-1"}


def test_a_server_without_a_stream_is_polled(api: ToyApi, client: Client) -> None:
    api.in_turn("GET", "/jobs/job-1", job("pending"), job("running"), job("completed", 100))
    assert client.wait_for_job("job-1", timeout=30)["progress"] == 100
    assert len(api.calls("GET", "/events/stream")) == 1


def test_a_stream_that_breaks_off_is_resumed_from_the_last_id_even_one_without_data(
    api: ToyApi, client: Client
) -> None:
    api.in_turn("GET", "/jobs/job-1", job("running"), job("running"), job("completed"))
    api.in_turn("GET", "/events/stream", Sse(["id: 41\n\n"]), Sse([block(42, "job_progress", progress=1)]), Sse([]))
    client.wait_for_job("job-1", timeout=30)
    asked = [one.headers.get("last-event-id") for one in api.calls("GET", "/events/stream")]
    assert asked == [None, "41", "42"]


def test_a_wait_that_is_over_says_what_it_saw_last(api: ToyApi, client: Client) -> None:
    api.on("GET", "/jobs/job-1", job("running", 30))
    with pytest.raises(WaitTimedOut, match=r"job-1 is still running after 0\.1 s") as caught:
        client.wait_for_job("job-1", timeout=0.1)
    assert caught.value.subject["progress"] == 30


def test_a_job_that_is_not_there_is_not_waited_for(api: ToyApi, client: Client) -> None:
    with pytest.raises(NotFound):
        client.wait_for_job("job-1", timeout=30)


def test_a_server_that_is_away_for_a_moment_is_sat_out(api: ToyApi) -> None:
    api.in_turn("GET", "/jobs/job-1", HANG_UP, HANG_UP, job("completed"))
    with Client(api.url, retries=0) as client:
        assert client.wait_for_job("job-1", timeout=30)["status"] == "completed"


def test_live_events_go_on_across_reconnects_each_once_and_a_gap_is_told(api: ToyApi, client: Client) -> None:
    later = {None: [block(1, "a"), block(2, "b")], "2": [block(9, "resync", last_id=9)], "9": [block(10, "c")]}

    def stream(asked: Asked) -> object:
        return Sse(later[asked.headers.get("last-event-id")])

    api.on("GET", "/events/stream", stream)
    messages = client.events.stream(cluster_id="cluster-1")
    assert [next(messages).type for _ in range(4)] == ["a", "b", "resync", "c"]
    messages.close()
    assert all(asked.query == {"cluster_id": "cluster-1"} for asked in api.asked)


def test_a_stream_that_is_refused_is_an_error(api: ToyApi, client: Client) -> None:
    api.on("GET", "/events/stream", problem(422, "invalid", "No such type."))
    with pytest.raises(Exception, match="No such type"):
        next(client.events.stream(type="nope"))


def test_a_stream_without_a_server_ends_in_an_error(free_port: int) -> None:
    with Client(f"http://127.0.0.1:{free_port}", retries=-5) as client, pytest.raises(Unreachable):
        next(client.events.stream())


def test_a_cluster_is_followed_until_it_is_as_wanted(api: ToyApi, client: Client) -> None:
    def cluster(active: int) -> dict[str, Any]:
        return {"cluster": {"id": "cluster-1", "name": "web", "status": "scaling", "active": active, "droplets": []}}

    api.in_turn("GET", "/clusters/cluster-1", cluster(0), cluster(1), cluster(2))
    *_, last = client.follow_cluster("cluster-1", lambda one: one.get("active") == 2, timeout=30)
    assert last.subject["active"] == 2
