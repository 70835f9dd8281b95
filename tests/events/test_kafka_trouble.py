"""What a server says and does when Kafka is away, is somewhere else, or would not have it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from tests.e2e.test_cannot_start import Refusal, refused  # noqa: F401 - a fixture
from tests.events.topics import Kafka, Topic, unordered
from tests.live_server import LiveServer, live_server
from tests.servers.kafka_broker import USERS, admin, kafka_broker, make_topics
from tests.waiting import poll_until


def kafka_of(server: LiveServer) -> dict:
    return dict(server.api.get("//observability/bus")["kafka"])


@pytest.mark.slow
def test_a_broker_that_is_away_delays_events_and_no_request(tmp_path: Path) -> None:
    with kafka_broker(tmp_path / "kafka") as broker:
        topic = Kafka(broker.brokers).topic()
        with live_server(tmp_path / "data", **topic.settings) as server:
            server.api.job(server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"])
            poll_until(lambda: kafka_of(server)["outbox_depth"] == 0, 60)
            broker.kill()
            asked = [server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"] for _ in range(200)]
            assert all(server.api.job(job_id)["status"] == "completed" for job_id in asked)

            def told() -> bool:
                found = kafka_of(server)
                assert found["outbox_depth"] >= 600, found
                assert found["outbox_age_seconds"] > 0
                assert not found["reachable"]
                assert broker.brokers in found["problem"]
                ready = server.api.send("GET", "//readyz")
                assert ready.status == 200
                assert ready.body["status"] == "degraded"
                assert "No Kafka broker of" in ready.body["dependencies"]["kafka"]
                return "clustergenie_outbox_depth 0.0" not in server.api.send("GET", "//metrics").body

            assert poll_until(told, 60)
            broker.start()
            poll_until(lambda: kafka_of(server)["outbox_depth"] == 0, 90)
            last = {asked[-1], asked[0]}
            done = topic.events(
                lambda found: last <= {event["key"] for event in found if event["type"] == "job_completed"}
            )
            poll_until(lambda: kafka_of(server)["lag"] == 0, 60)
            everything = topic.events(lambda found: len({event["event_id"] for event in found}) >= 3 * 201)
            assert unordered(everything) == []
            assert len(done) > 0
            assert server.api.send("GET", "//readyz").body["dependencies"]["kafka"] == "ok"


@pytest.mark.slow
def test_a_group_that_kafka_keeps_no_place_for_is_said_and_looked_for_again(tmp_path: Path) -> None:
    # One broker cannot keep three copies of the places, so the group gets no coordinator.
    with kafka_broker(tmp_path / "kafka", offsets_topic_replication_factor="3") as broker:
        topic = Kafka(broker.brokers).topic()
        with live_server(tmp_path / "data", **topic.settings) as server:
            server.api.job(server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"])
            poll_until(lambda: kafka_of(server)["outbox_depth"] == 0, 60)
            found = kafka_of(server)
            assert found["reachable"]
            assert found["lag"] is None
            assert f"how far the group '{found['group']}' has read" in found["problem"]
            assert "has not said" in server.api.send("GET", "//readyz").body["dependencies"]["kafka"]
            broker.kill()
            broker.settings.clear()
            broker.start()
            poll_until(lambda: kafka_of(server)["lag"] == 0, 90)
            poll_until(lambda: server.api.send("GET", "//readyz").body["dependencies"]["kafka"] == "ok")
            assert kafka_of(server)["problem"] is None


def test_a_broker_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path, free_port: int) -> None:
    with live_server(tmp_path / "data", KAFKA_BROKERS=f"127.0.0.1:{free_port}") as server:
        job = server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]
        assert server.api.job(job["id"])["status"] == "completed"
        sentence = server.api.send("GET", "//readyz").body["dependencies"]["kafka"]
        assert sentence.startswith(f"No Kafka broker of 127.0.0.1:{free_port} (KAFKA_BROKERS) answers:")
        # A look at brokers that do not answer takes two seconds: one after the other, the last would give up.
        with ThreadPoolExecutor(30) as many:
            found = list(many.map(lambda _: kafka_of(server), range(30)))
        assert all(one["outbox_depth"] >= 3 and not one["reachable"] for one in found)


def test_a_topic_that_is_gone_is_said_and_read_again_once_it_is_back(tmp_path: Path, own_kafka: Kafka) -> None:
    topic = own_kafka.topic()
    with live_server(tmp_path / "data", **topic.settings) as server:
        server.api.job(server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"])
        poll_until(lambda: kafka_of(server)["lag"] == 0, 60)
        client = admin(own_kafka.brokers)
        client.delete_topics([topic.name])[topic.name].result(30)
        poll_until(lambda: topic.name in (kafka_of(server)["problem"] or ""), 60)
        make_topics(own_kafka.brokers, topic.name, partitions=2)
        topic.put({"type": "job_requested", "job_id": "job-of-another", "job_type": "noop"})
        assert poll_until(lambda: server.api.send("GET", "/jobs/job-of-another").ok, 60)
        poll_until(lambda: kafka_of(server)["problem"] is None, 60)


def sasl(kafka: Kafka, topic: Topic, user: str, password: str = "") -> dict[str, str]:
    return topic.settings | {
        "KAFKA_BROKERS": kafka.sasl_brokers,
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_USERNAME": user,
        "KAFKA_SASL_PASSWORD": password or USERS[user],
    }


def test_wrong_credentials_stop_the_start(tmp_path: Path, own_kafka: Kafka, refused: Refusal) -> None:  # noqa: F811
    wanted = sasl(own_kafka, own_kafka.topic(), "clustergenie", "not-the-password")
    sentence = refused(tmp_path / "data", "--port", "0", **wanted)
    assert "refuses user 'clustergenie'" in sentence
    assert "KAFKA_SASL_PASSWORD" in sentence
    assert "not-the-password" not in sentence


def test_a_topic_without_rights_stops_the_start(tmp_path: Path, own_kafka: Kafka, refused: Refusal) -> None:  # noqa: F811
    topic = own_kafka.topic()
    make_topics(own_kafka.brokers, topic.name, f"{topic.name}.dlq")
    wanted = sasl(own_kafka, topic, "stranger")
    assert f"'{topic.name}'" in refused(tmp_path / "data", "--port", "0", **wanted)
    grant(own_kafka, "stranger", topic, ("TOPIC", topic.name, "DESCRIBE"), ("TOPIC", topic.name, "READ"))
    grant(own_kafka, "stranger", topic, ("TOPIC", f"{topic.name}.dlq", "DESCRIBE"))
    sentence = refused(tmp_path / "data", "--port", "0", **wanted)
    assert f"On the Kafka topic '{topic.name}' we lack the right to Write" in sentence


def test_a_user_with_its_rights_works_and_its_password_is_never_said(tmp_path: Path, own_kafka: Kafka) -> None:
    topic = own_kafka.topic()
    make_topics(own_kafka.brokers, topic.name, f"{topic.name}.dlq")
    for name in (topic.name, f"{topic.name}.dlq"):
        grant(own_kafka, "clustergenie", topic, *(("TOPIC", name, right) for right in ("DESCRIBE", "READ", "WRITE")))
    grant(own_kafka, "clustergenie", topic, ("GROUP", topic.settings["KAFKA_GROUP"], "READ"))
    grant(own_kafka, "clustergenie", topic, ("TRANSACTIONAL_ID", "*", "WRITE"), ("TRANSACTIONAL_ID", "*", "DESCRIBE"))
    with live_server(tmp_path / "data", **sasl(own_kafka, topic, "clustergenie")) as server:
        job = server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"]
        topic.put({"type": "job_requested", "job_id": "job-of-another", "job_type": "noop"})
        assert poll_until(lambda: server.api.send("GET", "/jobs/job-of-another").ok, 60)
        found = topic.events(lambda seen: job in {one["key"] for one in seen if one["type"] == "job_completed"})
        assert unordered([event for event in found if "event_id" in event]) == []
        assert USERS["clustergenie"] not in server.log_file.read_text()


def grant(kafka: Kafka, user: str, topic: Topic, *rights: tuple[str, str, str]) -> None:
    client = admin(kafka.brokers)
    made = client.create_acls(
        [
            AclBinding(
                ResourceType[kind],
                name,
                ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                AclOperation[right],
                AclPermissionType.ALLOW,
            )
            for kind, name, right in rights
        ]
    )
    for outcome in made.values():
        outcome.result(30)
    assert topic.name
