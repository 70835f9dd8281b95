"""A server whose events go over a real Kafka broker: what it says, what it hears, what it puts aside."""

from collections.abc import Iterator

import pytest

from tests.events.topics import Kafka, Topic, headers_of, unordered
from tests.live_server import LiveServer, live_server
from tests.waiting import poll_until


@pytest.fixture(scope="module")
def topic(kafka: Kafka) -> Topic:
    return kafka.topic()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, topic: Topic) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("kafka") / "data", **topic.settings) as server:
        yield server


def test_a_jobs_events_come_in_order_with_their_attributes_in_headers(server: LiveServer, topic: Topic) -> None:
    job = server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]
    server.api.job(job["id"])

    def ended(found: list[dict[str, object]]) -> bool:
        return any(event["type"] == "job_completed" and event["key"] == job["id"] for event in found)

    found = topic.events(ended)
    assert unordered(found) == []
    mine = [event for event in found if event["key"] == job["id"]]
    assert [event["type"] for event in mine][:2] == ["job_requested", "job_started"]
    messages = topic.read(lambda seen: any(one.key() == job["id"].encode() for one in seen))
    first = next(one for one in messages if one.key() == job["id"].encode())
    said = headers_of(first)
    assert said["ce_specversion"] == "1.0"
    assert said["ce_type"] == "job_requested"
    assert said["ce_id"] == mine[0]["event_id"]
    assert said["ce_subject"] == job["id"]
    assert said["ce_source"].startswith("/clustergenie/")
    assert said["content-type"] == "application/json"
    assert said["traceparent"].split("-")[1] == job["trace_id"]


def test_a_job_that_another_system_asks_for_is_done_once(server: LiveServer, topic: Topic) -> None:
    asked = {
        "type": "job_requested",
        "job_id": "job-noop-20251129120000",
        "job_type": "noop",
        "payload": {},
        "trace_id": "0af76519-16cd-43dd-8448-eb211c80319c",
    }
    topic.put(asked, "job-noop-20251129120000")
    topic.put(asked, "job-noop-20251129120000")

    def done() -> object:
        reply = server.api.send("GET", "/jobs/job-noop-20251129120000")
        assert reply.ok, reply.body
        return reply.body["job"]["status"] == "completed" and reply.body["job"]

    job = poll_until(done, 30)
    assert job["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert job["attempt"] == 1
    assert bus(server, lambda found: found["kafka"]["lag"] == 0 and found["kafka"]["outbox_depth"] == 0)
    told = server.api.get("/events?job_id=job-noop-20251129120000&page_size=100")["events"]
    assert [event["type"] for event in reversed(told)].count("job_requested") == 1


def bus(server: LiveServer, wanted) -> dict:
    def seen() -> object:
        found = server.api.get("//observability/bus")
        assert wanted(found), found
        return found

    return poll_until(seen, 30)
