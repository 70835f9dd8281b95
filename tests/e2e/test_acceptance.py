"""What somebody does who has just cloned the repository: the product description's commands, on real machines."""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clustergenie.providers.local.enter import enter_detached
from tests.e2e import curl
from tests.live_server import LiveServer, free_port, live_server
from tests.waiting import poll_until

HEARTBEAT = 2.0
BURN = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    port = curl.KTD_PORT if curl.free() else free_port()
    with live_server(tmp_path_factory.mktemp("acceptance") / "data", port) as running:
        yield running


@pytest.fixture
def typed(server: LiveServer) -> Callable[[str], tuple[int, Any]]:
    """Types a command of the product description."""
    return lambda command: curl.typed(command, server.port)


def test_the_job_of_the_description_is_created_and_completes(
    server: LiveServer, typed: Callable[[str], tuple[int, Any]]
) -> None:
    status, body = typed(
        """curl -X POST http://localhost:8080/api/v1/jobs -H "Content-Type: application/json" """
        """-d '{"type":"diagnose","parameters":{"cluster_id":"cluster-1"}}'"""
    )
    assert status == 201
    job = body["job"]
    assert body["message"] == "created"
    assert job["id"].startswith("job-diagnose-")
    assert (job["type"], job["status"], job["progress"]) == ("diagnose", "pending", 0)
    assert job["parameters"]["cluster_id"] == "cluster-1"
    assert server.api.job(job["id"])["status"] == "completed"
    types = [event["type"] for event in server.api.get(f"/jobs/{job['id']}/events?sort_dir=asc")["events"]]
    assert types[0] == "job_requested"
    assert types[-1] == "job_completed"
    # Lines are written some at a time, a moment later.
    created = poll_until(lambda: [line for line in server.lines() if line.get("message") == "job Created"])
    assert created[0]["job_id"] == job["id"]
    assert created[0]["trace_id"] == job["trace_id"]
    assert created[0]["service"] == "core-api"


def test_the_health_command_of_the_description_answers(typed: Callable[[str], tuple[int, Any]]) -> None:
    status, body = typed("curl http://localhost:8080/api/v1/health/cluster-1")
    assert status == 200
    assert body["cluster_id"] == "cluster-1"


def test_the_flow_of_the_description_from_cluster_to_diagnosis(typed: Callable[[str], tuple[int, Any]]) -> None:
    base, kind = "http://localhost:8080/api/v1", "-H 'Content-Type: application/json'"
    status, made = typed(f"""curl -X POST {base}/clusters {kind} -d '{{"name":"web","region":"nyc1"}}'""")
    assert status == 201
    cluster_id = made["cluster"]["id"]
    status, listed = typed(f"curl {base}/clusters")
    assert status == 200
    assert cluster_id in [cluster["id"] for cluster in listed["clusters"]]
    assert {"page", "page_size", "total", "next_cursor"} <= set(listed)
    status, made = typed(
        f"""curl -X POST {base}/droplets {kind} -d """
        f"""'{{"name":"web-a","cluster_id":"{cluster_id}","region":"nyc1","size":"s-1vcpu-1gb","image":"ubuntu-22-04-x64"}}'"""
    )
    assert status == 201
    droplet_id = made["droplet"]["id"]
    droplet = f"curl {base}/droplets/{droplet_id}"
    poll_until(lambda: typed(droplet)[1]["droplet"]["status"] == "active", 20)
    status, verdict = typed(f"""curl -X POST {base}/diagnosis/diagnose {kind} -d '{{"cluster_id":"{cluster_id}"}}'""")
    assert status == 200
    assert verdict["insights"]
    assert verdict["recommendations"]
    status, scaled = typed(
        f"""curl -X POST {base}/jobs {kind} -d """
        f"""'{{"type":"scale","parameters":{{"cluster_id":"{cluster_id}","target_size":2}}}}'"""
    )
    assert status == 201

    job = f"curl {base}/jobs/{scaled['job']['id']}"
    poll_until(lambda: typed(job)[1]["job"]["status"] == "completed")
    assert typed(f"curl {base}/clusters/{cluster_id}")[1]["cluster"]["active"] == 2
    assert typed("curl http://localhost:8080/observability/workerpool")[0] == 200
    status, scrape = typed("curl http://localhost:8080/metrics")
    assert status == 200
    assert "clustergenie_http_requests_total" in scrape
    assert typed(f"curl -X DELETE {base}/clusters/{cluster_id}")[0] == 202
    poll_until(lambda: typed(f"curl {base}/clusters/{cluster_id}")[0] == 404)


@pytest.fixture(scope="module")
def twenty(server: LiveServer) -> tuple[float, list[Any]]:
    """Twenty droplets of one provision job: how long they took to be active, and what they are."""
    cluster_id = server.api.post("/clusters", {"name": "twenty", "size": "s-1vcpu-512mb-10gb"})["cluster"]["id"]
    began = time.monotonic()
    job = server.api.post("/jobs", {"type": "provision", "parameters": {"cluster_id": cluster_id, "count": 20}})["job"]
    assert server.api.job(job["id"])["status"] == "completed"
    taken = time.monotonic() - began
    events = server.api.get(f"/jobs/{job['id']}/events?sort_dir=asc&page_size=100")["events"]
    said = [event["progress"] for event in events if event["key"] == job["id"]]
    assert said == sorted(said)
    assert {10, 30, 75, 100} <= set(said)
    droplets = server.api.everything("droplets", f"&cluster_id={cluster_id}&status=active")
    assert len(droplets) == 20
    return taken, droplets


def test_twenty_droplets_are_active_soon_after_one_job(twenty: tuple[float, list[Any]]) -> None:
    taken, _ = twenty
    sys.stdout.write(f"20 local droplets were active after {taken:.2f} s\n")
    assert taken < 10


def test_each_answers_on_an_address_of_its_own(twenty: tuple[float, list[Any]]) -> None:
    _, droplets = twenty
    addresses = {(droplet["ip_address"], droplet["port"]) for droplet in droplets}
    assert len(addresses) == len({address for address, _ in addresses}) == 20
    for address, port in addresses:
        assert address.startswith("127.")
        assert b"200" in asked(address, port)


def asked(address: str, port: int) -> bytes:
    """The first line of the answer to an HTTP request."""
    with socket.create_connection((address, port), timeout=5) as visit:
        visit.sendall(b"GET /healthz HTTP/1.1\r\nHost: droplet\r\nConnection: close\r\n\r\n")
        return visit.makefile("rb").readline()


def test_what_burns_in_a_droplet_shows_within_two_heartbeats(
    server: LiveServer, twenty: tuple[float, list[Any]]
) -> None:
    _, droplets = twenty
    one = droplets[7]
    enter_detached(server.data_dir, one["id"], [sys.executable, "-c", BURN])
    began = time.monotonic()

    def burning() -> Any:
        metrics = server.api.get(f"/droplets/{one['id']}")["droplet"]["metrics"]
        return metrics if metrics["cpu"] > 30 else None

    metrics = poll_until(burning, 20)
    taken = time.monotonic() - began
    sys.stdout.write(f"cpu {metrics['cpu']} % was seen after {taken:.1f} s\n")
    assert taken < 2 * HEARTBEAT * 1.1 + 1  # two heartbeats with their jitter, and a second for the machine at work

    def recorded() -> bool:
        samples = server.api.get(f"/metrics?droplet_id={one['id']}&type=cpu")["metrics"]
        return any(sample["value"] > 30 for sample in samples)

    poll_until(recorded)
    other = server.api.get(f"/droplets/{droplets[3]['id']}")["droplet"]["metrics"]
    assert other["cpu"] < 30


def test_a_restart_keeps_every_droplet(server: LiveServer, twenty: tuple[float, list[Any]]) -> None:
    _, droplets = twenty
    before = {one["id"]: pid_of(server.data_dir, one["id"]) for one in droplets}
    for end in (server.kill, server.terminate):
        end()
        server.start()
        heard_since = time.time()
        poll_until(lambda moment=heard_since: all_heard(server, before, moment), 20)
    assert {ident: pid_of(server.data_dir, ident) for ident in before} == before
    told = server.api.everything("events", f"&cluster_id={droplets[0]['cluster_id']}")
    assert not [event for event in told if event["type"] in ("droplet_lost", "droplet_deleted")]
    assert server.api.get(f"/clusters/{droplets[0]['cluster_id']}")["cluster"]["status"] == "healthy"


def pid_of(data_dir: Path, droplet_id: str) -> int:
    """The process of a droplet's agent."""
    pid: int = json.loads((data_dir / "local" / droplet_id / "process.json").read_text())["pid"]
    return pid


def all_heard(server: LiveServer, ids: dict[str, int], since: float) -> bool:
    """Whether each droplet has reported since that moment, and is active."""
    found = {one["id"]: one for one in server.api.everything("droplets")}
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    return all(found[ident]["status"] == "active" and found[ident]["last_seen_at"] > moment for ident in ids)
