"""A diagnosis looks at real droplets now, is kept, is told, and can be looked up."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from clustergenie import clusters, diagnosis, events, jobs
from clustergenie.diagnosis import routes, service
from clustergenie.diagnosis.tables import diagnoses
from clustergenie.events.tables import events as log
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.http import build
from tests import faults
from tests.monitoring import fleets
from tests.monitoring.fleets import answering, hanging


def run(path: Path, story: Callable[[Database, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Play a story against the routes over a database."""

    async def main() -> None:
        async with fleets.opened(path / "db") as db:
            app = build(routes.routes, version="0", dependencies={"db": db, "fleet": fleets.fleet(path)})
            transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await story(db, client)

    asyncio.run(main())


async def diagnosed(client: httpx.AsyncClient, cluster_id: str) -> dict[str, Any]:
    """The answer to POST /diagnosis/diagnose."""
    reply = await client.post("/diagnosis/diagnose", json={"cluster_id": cluster_id})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def told(tx: Tx) -> list[Any]:
    """The events about diagnoses."""
    return list(tx.execute(select(log).where(log.c.type == "diagnosis_completed")))


def test_it_probes_now_and_names_each_trouble_with_evidence(tmp_path: Path, free_port: int) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        async with answering() as fine:
            with hanging() as stopped:
                cluster_id = await db.write(fleets.cluster, "web")
                await db.write(fleets.droplet, cluster_id, name="fine", port=fine)
                await db.write(fleets.droplet, cluster_id, name="stopped", port=stopped, seen_ago=9)
                full = await db.write(fleets.droplet, cluster_id, name="full", port=fine, metrics={"memory": 98.0})
                await db.write(_loses, cluster_id)
                report = await diagnosed(client, cluster_id)
        assert report["cluster"]["id"] == cluster_id
        found = {(finding["rule"], finding["title"].split(":")[0].split(" ")[0]) for finding in report["findings"]}
        assert {("agent_silent", "stopped"), ("memory_exhausted", "full"), ("machine_gone", "web-000")} <= found
        by_rule = {finding["rule"]: finding for finding in report["findings"]}
        assert "(stopped or hung)" in by_rule["agent_silent"]["title"]
        assert by_rule["memory_exhausted"]["droplet_id"] == full
        assert by_rule["memory_exhausted"]["evidence"]["memory_percent"] == 98.0
        assert by_rule["machine_gone"]["evidence"]["reason"] == "its machine ended"
        assert report["evidence"]["probed"] == 3
        assert report["insights"]
        assert report["recommendations"]
        assert report["severity"] == "critical"
        (event,) = await db.read(told)
        assert (event.key, event.seq, event.cluster_id) == (report["id"], 1, cluster_id)

    run(tmp_path, story)


def _loses(tx: Tx, cluster_id: str) -> None:
    """A droplet was lost, and has been deleted since."""
    gone = fleets.droplet(tx, cluster_id, "deleted", name="web-000", status_reason="replaced: its machine ended")
    tx.emit(
        Event(
            type="droplet_lost", key=gone, seq=3, droplet_id=gone, cluster_id=cluster_id,
            message="web-000 lost: its machine ended", payload={"name": "web-000"},
        )
    )  # fmt: skip


def test_a_cluster_that_is_well_is_told_so(tmp_path: Path) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        cluster_id = await db.write(fleets.cluster, "web")
        report = await diagnosed(client, cluster_id)
        assert [finding["rule"] for finding in report["findings"]] == ["nothing_wrong"]
        assert (await client.post("/diagnosis/diagnose", json={"cluster_id": "cluster-nobody"})).status_code == 404
        assert (await client.post("/diagnosis/diagnose", json={})).status_code == 422
        assert len(await db.read(told)) == 1

    run(tmp_path, story)


def test_diagnoses_are_kept_and_looked_up(tmp_path: Path) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        one, other = await db.write(fleets.cluster, "one"), await db.write(fleets.cluster, "other")
        kept = [await diagnosed(client, cluster_id) for cluster_id in (one, other, one)]
        listed = (await client.get("/diagnosis", params={"cluster_id": one, "page_size": "1"})).json()
        assert (listed["total"], [line["id"] for line in listed["diagnoses"]]) == (2, [kept[2]["id"]])
        following = (await client.get("/diagnosis", params={"cluster_id": one, "cursor": listed["next_cursor"]})).json()
        assert [line["id"] for line in following["diagnoses"]] == [kept[0]["id"]]
        whole = (await client.get(f"/diagnosis/{kept[1]['id']}")).json()["diagnosis"]
        assert whole["cluster_id"] == other
        assert whole["findings"] == kept[1]["findings"]
        assert (await client.get("/diagnosis/diagnosis-nobody")).status_code == 404
        assert (await client.get("/diagnosis?sort_by=colour")).status_code == 422
        long_ago = now() - dt.timedelta(hours=1)
        assert await db.write(diagnosis.prune, long_ago) == 0
        bites = [await db.write(diagnosis.prune, now(), 2) for _ in range(3)]
        assert bites == [2, 1, 0]

    run(tmp_path, story)


def test_why_droplets_do_not_come_is_asked_of_their_job(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            cluster_id = await db.write(fleets.cluster, "web")
            job = await db.write(jobs.enqueue, jobs.NOOP, jobs.understand(jobs.NOOP, {}))
            for job_id in (job.id, "job-forgotten"):
                await db.write(fleets.droplet, cluster_id, "pending", job_id=job_id, seen_ago=None)
            _, verdict = await db.read(service.weigh, fleets.fleet(tmp_path), cluster_id, True)
            stuck = [finding for finding in verdict.findings if finding.rule == "provisioning_stuck"]
            assert sorted(finding.evidence["job"] is None for finding in stuck) == [False, True]

    asyncio.run(main())


@dataclass
class World(faults.World):
    """With the cluster that is diagnosed."""

    cluster_id: str = ""


def worlds(path: Path, port: int) -> Any:
    """New worlds, each with a droplet whose agent is gone."""
    numbers = iter(range(10_000))

    @asynccontextmanager
    async def make() -> AsyncIterator[World]:
        async with fleets.opened(path / f"{next(numbers)}.db") as db:
            cluster_id = await db.write(fleets.cluster, "web")
            await db.write(fleets.droplet, cluster_id, name="gone", port=port, seen_ago=60)
            (handler,) = diagnosis.handlers(db, fleets.fleet(path))
            wanted = jobs.understand(diagnosis.DIAGNOSE, {"cluster_id": cluster_id})
            yield World(db, handler, jobs.Enqueue(diagnosis.DIAGNOSE, wanted, "ab" * 16), cluster_id=cluster_id)

    return make


async def see(world: World) -> object:
    """One diagnosis and one event, and what they say; no ids, no times."""

    def look(tx: Tx) -> object:
        (row,) = tx.execute(select(diagnoses)).all()
        (event,) = told(tx)
        (job,) = tx.execute(select(func.count()).select_from(log).where(log.c.type == "job_completed")).scalars()
        assert event.key == row.id
        assert event.job_id == row.job_id
        return [finding["rule"] for finding in row.findings], row.severity, event.payload["rules"], job

    return await world.db.read(look)


def test_the_job_leaves_one_diagnosis_with_a_fault_at_every_step(tmp_path: Path, free_port: int) -> None:
    asyncio.run(faults.run_with_fault_at_every_step(worlds(tmp_path, free_port), see))


def test_the_job_leaves_one_diagnosis_when_run_twice_from_every_step(tmp_path: Path, free_port: int) -> None:
    asyncio.run(faults.run_twice_from_every_step(worlds(tmp_path, free_port), see))


def test_the_job_tells_how_far_it_is_and_what_it_found(tmp_path: Path, free_port: int) -> None:
    async def main() -> None:
        async with worlds(tmp_path, free_port)() as world:
            script = faults.Script()
            assert await faults._play(world, script) == "completed"
            progress = select(log.c.progress).where(log.c.type == "job_progress").order_by(log.c.id)
            assert await world.db.read(lambda tx: list(tx.execute(progress).scalars())) == [10, 50, 80]
            (kept,) = await world.db.read(lambda tx: tx.execute(select(diagnoses)).all())
            job = await world.db.read(jobs.get, kept.job_id)
            assert job.result is not None
            assert job.result["diagnosis_id"] == kept.id
            assert job.result["findings"][0]["rule"] == "agent_silent"
            assert job.result["summary"].startswith("web: 1 critical")

    asyncio.run(main())


def test_events_of_the_catalogue_cover_what_a_diagnosis_says(tmp_path: Path) -> None:
    async def story(db: Database, client: httpx.AsyncClient) -> None:
        cluster_id = await db.write(fleets.cluster, "web")
        await diagnosed(client, cluster_id)
        recent = await db.read(events.recent, cluster_id, frozenset({"diagnosis_completed"}), now() - dt.timedelta(1))
        assert len(recent) == 1
        assert (await db.read(clusters.get, cluster_id)).version == 1

    run(tmp_path, story)
