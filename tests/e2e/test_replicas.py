"""Two api and two worker replicas on MariaDB and Redis: one installation, whichever of them answers or dies."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import rolling
from tests.chaos.server_snapshot import ServerSnapshot
from tests.chaos.world import World, world
from tests.live_server import Api, LiveServer
from tests.waiting import poll_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("replicas")
    with world(folder / "world", "mariadb", kafka=False) as made:
        yield made


def readiness(replica: LiveServer) -> tuple[int, Any]:
    reply = Api(replica.port).send("GET", "//readyz")
    return reply.status, reply.body


def workers_of(replica: LiveServer) -> list[Any]:
    return list(replica.api.get("/observability/workerpool")["queue"]["workers"])


def test_every_replica_is_seen_from_every_api_replica(replicas: World) -> None:
    for api in replicas.apis:
        found = workers_of(api)
        assert Counter(one["role"] for one in found) == {"api": 2, "worker": 2}
        assert {one["pid"] for one in found} == {replica.pid for replica in replicas.replicas}
        assert all(one["version"] and one["last_seen_at"] and one["host"] for one in found)
        pool = api.api.get("/observability/workerpool")
        assert pool["worker_count"] == sum(one["slots"] for one in found) > 0


def test_a_worker_serves_no_api_but_says_how_it_is(replicas: World) -> None:
    worker = replicas.workers[0]
    assert readiness(worker)[0] == 200
    assert worker.api.send("GET", "/jobs").status == 404
    assert worker.api.send("GET", "//healthz").ok
    assert worker.api.send("POST", "/agent/heartbeat", {"droplet_id": "nobody"}).status == 401


def test_a_job_accepted_by_one_replica_is_read_from_the_other_and_runs_on_a_worker(replicas: World) -> None:
    first, second = (replica.api for replica in replicas.apis)
    made = first.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"]
    assert second.job(made)["status"] == "completed"
    attempt = second.get(f"/jobs/{made}/attempts")["attempts"][0]
    assert attempt["worker_id"] in {one["id"] for one in workers_of(replicas.apis[0]) if one["role"] == "worker"}


def test_droplets_come_up_whichever_replica_their_agents_reach(replicas: World) -> None:
    first, second = (replica.api for replica in replicas.apis)
    cluster = first.post("/clusters", {"name": "shared", "wanted_size": 3, "provider": "simulated"})["cluster"]["id"]

    def all_active() -> bool:
        found = second.get(f"/droplets?cluster_id={cluster}")["droplets"]
        return [one["status"] for one in found] == ["active"] * 3

    poll_until(all_active, 60)
    assert second.get(f"/health/{cluster}")["status"] == "healthy"
    assert second.get("/droplets/orphans")["orphans"] == []
    assert second.get("/providers/simulated/catalog")["sizes"]
    assert second.post("/schedule", {"provider": "simulated"})["chosen"]["provider"] == "simulated"
    poll_until(lambda: second.get("/providers")["providers"][0]["droplets"] == 3, 20)


def test_a_limit_set_on_one_replica_holds_on_the_other_within_a_moment(replicas: World) -> None:
    first, second = (replica.api for replica in replicas.apis)
    rule = {"name": "diagnosis", "scope": "global", "capacity": 7, "refill_rate": 1.0}
    first.post("/observability/ratelimit/config", rule)

    def holds() -> bool:
        found = second.get("/observability/ratelimit/config/list")
        return any(one["capacity"] == 7 for one in next(iter(v for v in found.values() if isinstance(v, list))))

    poll_until(holds)


def test_without_redis_a_replica_is_degraded_and_says_so(replicas: World) -> None:
    replicas.redis.kill()
    try:
        status, body = readiness(replicas.apis[0])
        assert (status, body["status"]) == (200, "degraded")
        assert "does not answer" in body["dependencies"]["redis"]
        assert replicas.apis[0].api.post("/jobs", {"type": "noop", "parameters": {}})
    finally:
        replicas.redis.start()
    _all_well(replicas, 30)


def test_without_its_provider_every_replica_is_degraded_and_says_which_and_it_comes_back(replicas: World) -> None:
    replicas.cloud.kill()
    try:
        for replica in (replicas.apis[0], replicas.workers[0]):
            poll_until(lambda one=replica: _misses_its_provider(one), 60)  # type: ignore[misc]
    finally:
        replicas.cloud.start()
    _all_well(replicas, 60)


def _all_well(replicas: World, seconds: float) -> None:
    for replica in replicas.replicas:
        poll_until(lambda one=replica: readiness(one)[1].get("status") == "ready", seconds)  # type: ignore[misc]


def _misses_its_provider(replica: LiveServer) -> bool:
    status, body = readiness(replica)
    assert (status, body["status"]) == (200, "degraded")
    return "simulated does not say what it offers" in body["dependencies"]["providers"]


def test_without_workers_the_api_accepts_jobs_and_says_that_they_wait(replicas: World) -> None:
    for worker in replicas.workers:
        assert worker.terminate() == 0
    try:
        api = replicas.apis[0]
        status, body = readiness(api)
        assert (status, body["status"]) == (200, "degraded")
        assert "no worker" in body["dependencies"]["workers"]
        waiting = api.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"]
    finally:
        for worker in replicas.workers:
            worker.spawn()
    assert api.api.job(waiting)["status"] == "completed"
    for worker in replicas.workers:
        worker.until_ready()


def test_without_the_database_no_replica_is_ready_and_says_why_and_it_comes_back_by_itself(replicas: World) -> None:
    replicas.database.kill()
    try:
        for replica in replicas.replicas:
            status, body = poll_until(lambda one=replica: _unready(one), 20)  # type: ignore[misc]
            assert status == 503
            assert body["dependencies"]["database"] != "ok"
            assert "Traceback" not in str(body)
            assert Api(replica.port).send("GET", "//healthz").ok
        refused = replicas.apis[0].api.send("GET", "/jobs")
        assert refused.status == 503
        assert refused.body["detail"]
    finally:
        replicas.database.start()
    for replica in replicas.replicas:
        replica.until_ready(30)


def _unready(replica: LiveServer) -> Any:
    status, body = readiness(replica)
    assert status == 503, body
    return status, body


def test_a_replica_with_another_secret_key_is_not_let_in(replicas: World, tmp_path: Path) -> None:
    stranger = replicas.another("api", tmp_path / "stranger", CLUSTERGENIE_SECRET_KEY="ab" * 32)
    stranger.spawn()
    poll_until(stranger.ended, 60)
    assert "another secret key" in stranger.tail(3)
    assert "Traceback" not in stranger.tail(50)


def test_a_process_that_can_only_be_alone_is_not_let_in_beside_others(replicas: World, tmp_path: Path) -> None:
    loner = replicas.another(
        "all", tmp_path / "loner", CLUSTERGENIE_PROVIDERS="local", CLUSTERGENIE_DEFAULT_PROVIDER="local"
    )
    loner.spawn()
    poll_until(loner.ended, 60)
    assert "leave local out of CLUSTERGENIE_PROVIDERS" in loner.tail(3)


def test_all_replicas_are_restarted_under_load_and_nobody_notices(replicas: World) -> None:
    balance = rolling.restart_all(replicas)
    assert balance.failed == []
    assert balance.asked > 100

    def all_ended() -> Any:
        now = ServerSnapshot(replicas)
        assert {now.jobs[job_id]["state"] for job_id in balance.jobs} == {"completed"}
        return now

    now = poll_until(all_ended, 60)
    wins = Counter(row["job_id"] for row in now.attempts if row["outcome"] == "completed")
    assert {wins[job_id] for job_id in balance.jobs} == {1}
    assert not [row for row in now.attempts if row["outcome"] == "lost" and row["job_id"] in set(balance.jobs)]


def test_a_cancellation_asked_of_an_api_replica_reaches_the_worker_that_runs_the_job(replicas: World) -> None:
    api = replicas.apis[1].api
    replicas.cloud.mischief("weather", create_seconds=[60, 60])
    try:
        cluster = api.post("/clusters", {"name": "slow", "wanted_size": 0, "provider": "simulated"})["cluster"]["id"]
        job = api.post("/jobs", {"type": "provision", "parameters": {"cluster_id": cluster, "count": 1}})["job"]["id"]
        poll_until(lambda: api.get(f"/jobs/{job}")["job"]["progress"] > 0)
        began = time.monotonic()
        api.post(f"/jobs/{job}/cancel")
        assert api.job(job, 20)["status"] == "cancelled"
        assert time.monotonic() - began < 20
    finally:
        replicas.cloud.mischief("weather", create_seconds=[0.01, 0.03])
