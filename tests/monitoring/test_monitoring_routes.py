"""Health and measurements as clients and Prometheus see them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import generate_latest

from clustergenie import clusters, monitoring
from clustergenie.monitoring import exporter, routes
from clustergenie.platform import telemetry
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.http import build
from tests.monitoring import fleets


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[tuple[Database, httpx.AsyncClient]]:
    """The routes over a database, called in this process."""
    async with fleets.opened(path / "db") as db:
        app = build(routes.routes, version="0", dependencies={"db": db, "fleet": fleets.fleet(path)})
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield db, client


def run(path: Path, story: Callable[[Database, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Play a story against the served routes."""

    async def main() -> None:
        async with served(path) as (db, client):
            await story(db, client)

    asyncio.run(main())


def test_health_says_how_a_cluster_is_and_an_unknown_one_is_404(tmp_path: Path) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        cluster_id = await db.write(fleets.cluster, "web")
        await db.write(fleets.droplet, cluster_id, name="web-001", metrics={"memory": 97.0})
        reply = await client.get(f"/health/{cluster_id}")
        assert reply.status_code == 200
        body = reply.json()
        assert (body["cluster_id"], body["name"], body["wanted_size"]) == (cluster_id, "web", 0)
        assert body["droplets"][0]["reasons"] == ["memory at 97 % of 1024 MB"]
        assert body["droplets"][0]["checks"][0] | {"name": "agent", "ok": None} == body["droplets"][0]["checks"][0]
        assert (await client.get("/health/cluster-nobody")).status_code == 404

    run(tmp_path, story)


def test_measurements_go_in_and_come_out(tmp_path: Path) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        cluster_id = await db.write(fleets.cluster, "web")
        values = [{"cluster_id": cluster_id, "type": "queue", "value": value, "unit": "jobs"} for value in (1, 3)]
        reply = await client.post("/metrics", json={"metrics": values})
        assert (reply.status_code, reply.json()) == (201, {"stored": 2, "message": "created"})
        listed = (await client.get("/metrics", params={"cluster_id": cluster_id, "type": "queue"})).json()
        assert {item["value"] for item in listed["metrics"]} == {1.0, 3.0}
        assert (listed["total"], listed["page"], listed["next_cursor"], listed["step"]) == (2, 1, None, None)
        own = (await client.get("/metrics", params={"cluster_id": cluster_id, "scope": "droplet"})).json()
        assert own["metrics"] == []
        line = {"cluster_id": cluster_id, "type": "queue", "step": "3600", "from": "2026-01-01T00:00:00Z"}
        points = (await client.get("/metrics", params=line)).json()
        assert sum(point["samples"] for point in points["metrics"]) == 2
        assert points["step"] >= 3600
        several = (await client.get("/metrics", params={**line, "type": "queue, load,queue"})).json()
        assert several["metrics"] == points["metrics"]
        too_many = await client.get("/metrics", params={**line, "type": ",".join(f"t{n}" for n in range(9))})
        assert (too_many.status_code, too_many.json()["errors"][0]["pointer"]) == (422, "?type")

    run(tmp_path, story)


BAD_BODIES: list[tuple[Any, int]] = [
    ({"metrics": [{"type": "cpu", "value": 1, "cluster_id": "cluster-nobody"}]}, 404),
    ({"metrics": [{"type": "cpu", "value": 1}]}, 422),
    ({"metrics": []}, 422),
    ({"metrics": [{"type": "c p", "value": 1, "cluster_id": "c"}]}, 422),
    ({"metrics": [{"type": "cpu", "value": "much", "cluster_id": "c"}]}, 422),
    ({"metrics": [{"type": "cpu", "value": 1, "cluster_id": "c"}] * 1001}, 422),
    ({}, 422),
    ([], 422),
]
BAD_QUERIES = (
    "from=yesterday", "step=0", "step=x&type=cpu", "step=5", "scope=all", "sort_by=value", "red=1", "from=2030-01-01"
)  # fmt: skip


def test_bad_measurements_and_queries_are_refused(tmp_path: Path) -> None:
    async def story(_db: Database, client: httpx.AsyncClient) -> None:
        for body, status in BAD_BODIES:
            assert (await client.post("/metrics", json=body)).status_code == status, body
        for query in BAD_QUERIES:
            assert (await client.get(f"/metrics?{query}&to=2026-01-01")).status_code == 422, query

    run(tmp_path, story)


def _exported() -> dict[str, float]:
    lines = generate_latest(telemetry.registry).decode().splitlines()
    named = ("clustergenie_cluster_metric_value{", "clustergenie_droplets{", "clustergenie_clusters{")
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(named)}


def test_prometheus_sees_the_last_values_of_each_cluster_until_it_goes(tmp_path: Path) -> None:
    async def story(db: Database, _client: httpx.AsyncClient) -> None:
        one = await db.write(fleets.cluster, "one")
        await db.write(fleets.droplet, one)
        for value in (1.0, 2.0):
            await db.write(monitoring.record, [monitoring.MetricSpec("cpu", value, cluster_id=one, unit="%")])
        await monitoring.collect(db)
        series = f'clustergenie_cluster_metric_value{{cluster_id="{one}",metric_type="cpu",unit="%"}}'
        assert _exported()[series] == 2.0
        assert _exported()['clustergenie_droplets{status="active"}'] == 1
        assert _exported()['clustergenie_clusters{status="empty"}'] == 1
        await db.write(lambda tx: _delete(tx, one))
        exporter._read_at.clear()
        await monitoring.collect(db)
        assert series not in _exported()
        assert _exported()['clustergenie_clusters{status="empty"}'] == 0

    run(tmp_path, story)


def _delete(tx: Tx, cluster_id: str) -> None:
    rows = clusters.service.clusters  # type: ignore[attr-defined]
    tx.execute(rows.update().where(rows.c.id == cluster_id).values(status="deleted"))


def test_the_number_of_series_is_bounded_and_the_rest_is_told_as_one() -> None:
    class Row:
        def __init__(self, cluster_id: str, kind: str, value: float) -> None:
            self.cluster_id, self.type, self.unit, self.value = cluster_id, kind, "", value

    living = [f"c{place}" for place in range(300)]
    latest = [Row(one, "cpu", float(place)) for place, one in enumerate(living)]
    latest += [Row("c0", f"own{number}", 1.0) for number in range(100)] + [Row("gone", "cpu", 1.0)]
    found = exporter.bounded(living, latest)
    assert len({labels[0] for labels in found}) == exporter.CLUSTERS_SHOWN + 1
    assert len({labels[1] for labels in found}) == exporter.TYPES_SHOWN
    assert found[exporter.OTHER, "cpu", ""] == sum(range(200, 300)) / 100
    assert "gone" not in {labels[0] for labels in found}
