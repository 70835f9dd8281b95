"""The monitor job probes every droplet, and comes to the same end however often it is interrupted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from clustergenie import clusters, jobs, monitoring
from clustergenie.monitoring.tables import probes
from tests import faults
from tests.monitoring import fleets
from tests.monitoring.fleets import answering


@dataclass
class World(faults.World):
    """With the cluster that is looked at."""

    cluster_id: str = ""


def worlds(path: Path, free_port: int) -> Any:
    """New worlds, each with a droplet that answers, one that refuses and one that is simulated."""
    numbers = iter(range(10_000))

    @asynccontextmanager
    async def make() -> AsyncIterator[World]:
        async with fleets.opened(path / f"{next(numbers)}.db") as db, answering() as port:
            cluster_id = await db.write(fleets.cluster, "web", clusters.Check("tcp", free_port))
            for name, more in (
                ("fine", {"port": port}),
                ("refusing", {"port": free_port}),
                ("simulated", {"provider": "simulated"}),
            ):
                await db.write(fleets.droplet, cluster_id, name=name, **more)
            (handler,) = monitoring.handlers(db, fleets.fleet(path))
            request = jobs.Enqueue(
                monitoring.MONITOR, jobs.understand(monitoring.MONITOR, {"cluster_id": cluster_id}), "ab" * 16
            )
            yield World(db, handler, request, cluster_id=cluster_id)

    return make


async def see(world: World) -> object:
    """The answers, without times and counts."""
    query = select(probes.c.check_name, probes.c.ok, probes.c.verdict)
    answers = await world.db.read(lambda tx: sorted(map(tuple, tx.execute(query))))
    assert (await world.db.read(clusters.get, world.cluster_id)).last_checked is not None
    return answers


def test_it_ends_the_same_with_a_fault_at_every_step(tmp_path: Path, free_port: int) -> None:
    asyncio.run(faults.run_with_fault_at_every_step(worlds(tmp_path, free_port), see))


def test_it_ends_the_same_when_run_twice_from_every_step(tmp_path: Path, free_port: int) -> None:
    asyncio.run(faults.run_twice_from_every_step(worlds(tmp_path, free_port), see))


def test_its_result_names_who_is_well_and_who_is_not(tmp_path: Path, free_port: int) -> None:
    async def main() -> dict[str, Any]:
        async with worlds(tmp_path, free_port)() as world:
            job_id = await faults._asked(world)
            (claimed,) = await world.db.write(faults._claim, world.store, "worker-1")
            assert await faults._work(world, claimed, None)
            job = await world.db.read(jobs.get, job_id)
            assert (job.state, job.progress, job.cluster_id) == ("completed", 100, world.cluster_id)
            return job.result or {}

    result = asyncio.run(main())
    assert (result["healthy"], result["unhealthy"], result["not_probed"]) == (1, 2, 1)
    reasons = {one["name"]: one["reasons"] for one in result["droplets"]}
    assert [name for name, why in reasons.items() if not why] == ["simulated"]
    assert any("its agent refuses connections" in why for why in reasons["refusing"])


def test_an_unknown_cluster_is_refused_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            wanted = jobs.understand(monitoring.MONITOR, {"cluster_id": "cluster-nobody"})
            with pytest.raises(clusters.ClusterNotFound):
                await db.write(jobs.enqueue, monitoring.MONITOR, wanted)

    asyncio.run(main())
