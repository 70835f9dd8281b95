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

    job = poll_until(done)
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

    return poll_until(seen)


def test_poison_goes_to_the_dead_letter_topic_with_its_reason_and_the_partition_moves_on(
    server: LiveServer, topic: Topic
) -> None:
    same_partition = "cluster-poison"
    poisons = {
        "not JSON": (b"\xff\xfe{", "cannot be read"),
        "wrong types": (b'{"type": "metrics", "cluster_id": 7}', "cluster_id"),
        "unknown version": (b'{"type": "metrics", "cluster_id": "cluster-1", "schema_version": 99}', "version 99"),
        "unknown type": (b'{"type": "world_ended", "cluster_id": "cluster-1"}', "world_ended"),
        "a megabyte": (b'{"type": "metrics", "message": "' + b"x" * 1_000_000 + b'"}', "at most 262,144"),
        "empty": (b"", "empty"),
        "not an object": (b"[1, 2]", "object"),
        "refused by the queue": (b'{"type": "job_requested", "job_id": "job-x", "job_type": "dance"}', "'dance'"),
        "no such cluster": (b'{"type": "metrics", "cluster_id": "nowhere", "payload": {"cpu": 1}}', "nowhere"),
    }
    before = server.api.get("/events/dead-letters?page_size=100")["total"]
    for raw, _ in poisons.values():
        topic.put(raw, same_partition, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    topic.put({"type": "job_requested", "job_id": "job-after-poison", "job_type": "noop"}, same_partition)
    assert poll_until(lambda: server.api.send("GET", "/jobs/job-after-poison").ok, 60)

    letters = poll_until(lambda: dead_letters(server, before + len(poisons)))
    aside = topic.read(lambda found: len(found) >= len(poisons), dead=True)
    for raw, reason in poisons.values():
        message = next(one for one in aside if (one.value() or b"") == raw)
        said = headers_of(message)
        assert reason in said["dlq-reason"], said
        assert said["dlq-topic"] == topic.name
        assert said["traceparent"].startswith("00-0af7651916cd43dd")
        place = f"{topic.name}/{said['dlq-partition']}/{said['dlq-offset']}@"
        letter = next(one for one in letters if (one["origin"] or "").startswith(place))
        assert reason in letter["reason"]
        assert letter["raw"].encode() == raw[:2000] or letter["problem"] == "BadEvent"


def dead_letters(server: LiveServer, count: int) -> list[dict[str, object]]:
    found = server.api.get("/events/dead-letters?page_size=100")
    assert found["total"] >= count, found
    return list(found["dead_letters"])


def test_a_dead_letter_is_replayed_once_what_was_wrong_is_right(server: LiveServer, topic: Topic) -> None:
    name = "replayed"
    topic.put({"type": "metrics", "cluster_id": "nowhere", "payload": {"cpu": 1}})
    long = {"type": "metrics", "cluster_id": "cluster-1", "message": "x" * 300_000, "payload": {"cpu": 63.25}}
    topic.put(long)

    def both() -> list[int]:
        found = [one for one in dead_letters(server, 2) if one["replayed_at"] is None]
        bad = [int(str(one["id"])) for one in found if "nowhere" in str(one["reason"]) and one["attempts"] == 1]
        wide = [int(str(one["id"])) for one in found if "300," in str(one["reason"])]
        assert bad
        assert wide
        return [bad[0], wide[0]]

    still_bad, too_long = poll_until(both)
    assert server.api.send("POST", f"/events/dead-letters/{still_bad}/replay").status == 409, name
    reply = server.api.send("POST", f"/events/dead-letters/{too_long}/replay")
    assert reply.body["dead_letter"]["replayed_at"] is not None
    (entry,) = server.api.get(f"/audit?q={reply.headers['x-request-id']}")["entries"]
    assert (entry["action"], entry["target"]) == ("dead-letter.replay", str(too_long))
    assert entry["after"]["type"] == reply.body["dead_letter"]["type"]
    values = server.api.get("/metrics?cluster_id=cluster-1&type=cpu&page_size=100")["metrics"]
    assert [one["value"] for one in values].count(63.25) == 1
    assert server.api.send("POST", f"/events/dead-letters/{too_long}/replay").status == 409


def test_measurements_from_elsewhere_become_metrics(server: LiveServer, topic: Topic) -> None:
    listed = [{"type": "queue", "value": 17.5, "unit": "jobs"}, {"type": "cpu", "value": 41.25}]
    topic.put({"type": "metrics", "cluster_id": "cluster-1", "payload": {"metrics": listed}})
    topic.put({"type": "metrics", "cluster_id": "cluster-1", "payload": {"memory": 12.125, "network": 5}})

    def kept() -> bool:
        values = {
            (one["type"], one["value"])
            for kind in ("queue", "cpu", "memory", "network")
            for one in server.api.get(f"/metrics?cluster_id=cluster-1&type={kind}&page_size=100")["metrics"]
        }
        assert {("queue", 17.5), ("cpu", 41.25), ("memory", 12.125), ("network", 5.0)} <= values, values
        return True

    assert poll_until(kept)


def test_a_cluster_over_a_limit_elsewhere_gets_one_more_droplet(server: LiveServer, topic: Topic) -> None:
    cluster = server.api.post("/clusters", {"name": "pressed", "wanted_size": 0})["cluster"]
    word = {
        "type": "metric_threshold_exceeded",
        "cluster_id": cluster["id"],
        "payload": {"metric": "cpu", "value": 97.75, "threshold": 80},
        "event_id": "one-and-the-same",
    }
    topic.put(word, cluster["id"])
    topic.put(word, cluster["id"])

    def grown() -> bool:
        found = server.api.get(f"/clusters/{cluster['id']}")["cluster"]
        assert found["wanted_size"] == 1, found
        return True

    assert poll_until(grown)
    scaled = server.api.get(f"/jobs?cluster_id={cluster['id']}&type=scale")["jobs"]
    assert len(scaled) == 1
    values = server.api.get(f"/metrics?cluster_id={cluster['id']}&type=cpu&page_size=100")["metrics"]
    assert 97.75 in [one["value"] for one in values]
