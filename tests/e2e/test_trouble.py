"""Droplets in trouble: each is named with evidence, by health and by diagnosis, and the cluster is whole again."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clustergenie.providers.local.enter import enter_detached
from tests.live_server import LiveServer
from tests.waiting import poll_until

NAMED_WITHIN = 15.0
HEALED_WITHIN = 60.0
HOG = """
import time
kept = []
while True:
    kept.append(bytearray(b"x" * (16 << 20)))
    time.sleep(0.05)
"""


def agent_of(server: LiveServer, droplet_id: str) -> int:
    """The process of a droplet's agent."""
    pid: int = json.loads((server.data_dir / "local" / droplet_id / "process.json").read_text())["pid"]
    return pid


def cluster_of(server: LiveServer, count: int) -> tuple[str, list[Any]]:
    """A healthy cluster of the smallest droplets."""
    made = server.api.post("/clusters", {"name": "patient", "size": "s-1vcpu-512mb-10gb", "wanted_size": count})
    assert server.api.job(made["job"]["id"])["status"] == "completed"
    cluster_id = made["cluster"]["id"]
    poll_until(lambda: server.api.get(f"/clusters/{cluster_id}")["cluster"]["status"] == "healthy")
    return cluster_id, server.api.everything("droplets", f"&cluster_id={cluster_id}")


def evidence_by_health(server: LiveServer, cluster_id: str, droplet_id: str) -> str:
    """What GET /health says about a droplet that is not well; empty if it says nothing."""
    health = server.api.get(f"/health/{cluster_id}")
    told = [one for one in [*health["droplets"], *health.get("recent", [])] if droplet_id in json.dumps(one)]
    unwell = [one for one in told if not one.get("healthy", False)]
    return json.dumps(unwell) if unwell else ""


def evidence_by_diagnosis(server: LiveServer, cluster_id: str, droplet_id: str) -> str:
    """What POST /diagnosis/diagnose finds about a droplet; empty if nothing."""
    verdict = server.api.post("/diagnosis/diagnose", {"cluster_id": cluster_id})
    found = [
        one
        for one in verdict["findings"]
        if one["severity"] != "info" and one["evidence"] and droplet_id in json.dumps(one)
    ]
    return json.dumps(found) if found else ""


def named(server: LiveServer, cluster_id: str, droplet_id: str, *words: str) -> float:
    """How long it takes until both name the droplet, with one of the words."""
    began = time.monotonic()

    def both() -> bool:
        for told in (evidence_by_health, evidence_by_diagnosis):
            text = told(server, cluster_id, droplet_id)
            assert any(word in text.lower() for word in words), (told.__name__, text)
        return True

    poll_until(both, NAMED_WITHIN)
    return time.monotonic() - began


def healed(server: LiveServer, cluster_id: str, wanted: int, without: str) -> bool:
    cluster = server.api.get(f"/clusters/{cluster_id}")["cluster"]
    assert (cluster["active"], cluster["wanted_size"], cluster["status"]) == (wanted, wanted, "healthy"), cluster
    assert without not in cluster["droplets"]
    assert not (server.data_dir / "local" / without).exists()
    return True


@pytest.mark.slow
def test_an_agent_that_is_killed_is_named_and_its_droplet_replaced(start: Callable[..., LiveServer]) -> None:
    server = start()
    cluster_id, members = cluster_of(server, 4)
    victim = members[1]["id"]
    os.kill(agent_of(server, victim), signal.SIGKILL)
    taken = named(server, cluster_id, victim, "machine ended", "machine is gone", "gone", "ended")
    sys.stdout.write(f"a killed agent was named after {taken:.1f} s\n")
    poll_until(lambda: healed(server, cluster_id, 4, victim), HEALED_WITHIN)


@pytest.mark.slow
def test_an_agent_that_is_stopped_is_named_and_its_droplet_replaced(start: Callable[..., LiveServer]) -> None:
    server = start()
    cluster_id, members = cluster_of(server, 4)
    victim = members[2]["id"]
    os.kill(agent_of(server, victim), signal.SIGSTOP)
    taken = named(server, cluster_id, victim, "silent", "hung", "no word", "not been heard", "does not answer")
    sys.stdout.write(f"a stopped agent was named after {taken:.1f} s\n")
    poll_until(lambda: healed(server, cluster_id, 4, victim), HEALED_WITHIN)


@pytest.mark.slow
def test_memory_that_runs_full_is_named(start: Callable[..., LiveServer]) -> None:
    server = start()
    cluster_id, members = cluster_of(server, 3)
    victim = members[0]["id"]
    enter_detached(server.data_dir, victim, [sys.executable, "-c", HOG])
    taken = named(server, cluster_id, victim, "memory")
    sys.stdout.write(f"memory that ran full was named after {taken:.1f} s\n")
    others = [one["id"] for one in members[1:]]
    for other in others:
        assert not evidence_by_diagnosis(server, cluster_id, other), "a healthy neighbour was blamed"

    def whole() -> bool:
        cluster = server.api.get(f"/clusters/{cluster_id}")["cluster"]
        assert cluster["active"] == cluster["wanted_size"] == 3
        assert set(others) <= set(cluster["droplets"])
        return True

    poll_until(whole, HEALED_WITHIN)


@pytest.mark.slow
def test_all_three_at_once_are_told_apart(start: Callable[..., LiveServer]) -> None:
    server = start()
    cluster_id, members = cluster_of(server, 6)
    killed, stopped, full = (one["id"] for one in members[:3])
    os.kill(agent_of(server, killed), signal.SIGKILL)
    os.kill(agent_of(server, stopped), signal.SIGSTOP)
    enter_detached(server.data_dir, full, [sys.executable, "-c", HOG])
    seen: set[str] = set()

    def all_named() -> bool:
        for droplet_id, word in ((killed, "machine"), (stopped, ""), (full, "memory")):
            if word in evidence_by_diagnosis(server, cluster_id, droplet_id).lower() != "":
                seen.add(droplet_id)
        assert seen == {killed, stopped, full}, f"only {len(seen)} were named"
        return True

    poll_until(all_named, NAMED_WITHIN)
    poll_until(lambda: all(healed(server, cluster_id, 6, gone) for gone in (killed, stopped)), HEALED_WITHIN)


@pytest.mark.slow
def test_a_server_that_is_asked_to_stop_hands_its_work_back(start: Callable[..., LiveServer], tmp_path: Path) -> None:
    server = start()
    parameters = {"cluster_id": "cluster-1", "count": 40, "size": "s-1vcpu-512mb-10gb"}
    job = server.api.post("/jobs", {"type": "provision", "parameters": parameters})["job"]
    poll_until(lambda: server.api.get(f"/jobs/{job['id']}")["job"]["progress"] >= 10)
    began = time.monotonic()
    assert server.terminate() == 0
    sys.stdout.write(f"SIGTERM took {time.monotonic() - began:.2f} s\n")
    server.start()
    ended = server.api.job(job["id"])
    assert ended["status"] == "completed", ended
    assert ended["result"]["active"] == 40
    attempts = server.api.get(f"/jobs/{job['id']}/attempts")["attempts"]
    assert [one["outcome"] for one in attempts] == ["handed_back", "completed"]
    assert attempts[-1]["attempt"] == 1  # being handed back costs no attempt
    cluster = poll_until(
        lambda: (found := server.api.get("/clusters/cluster-1")["cluster"])["status"] == "healthy" and found, 10
    )
    assert len(cluster["droplets"]) == cluster["active"] == cluster["wanted_size"] == 40
