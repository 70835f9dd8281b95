"""Scaling, healing and deleting clusters survive a failure at every step, and being done twice from every step."""

import asyncio
from pathlib import Path

import pytest

from clustergenie.clusters import service
from clustergenie.platform.db import Tx
from tests.droplets.rig import Rig
from tests.droplets.worlds import Start, survives_everything
from tests.faults import Mode


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_scaling_survives_everything(tmp_path: Path, before: int, after: int) -> None:
    async def arrange(rig: Rig) -> Start:
        cluster_id = await rig.cluster(of=before)
        await rig.settled(cluster_id, before)
        return Start("scale", {"cluster_id": cluster_id, "target_size": after}, cluster_id, after)

    modes: list[Mode] = ["kill"] if before < after else ["raise", "kill"]  # growing is as provisioning
    asyncio.run(survives_everything(tmp_path, arrange, 6, modes))


def test_healing_survives_everything(tmp_path: Path) -> None:
    async def arrange(rig: Rig) -> Start:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)

        def want_two(tx: Tx, _job_id: str) -> None:
            service.resize(tx, service.locked(tx, cluster_id), 2)

        return Start("heal", {"cluster_id": cluster_id}, cluster_id, 2, want_two)

    asyncio.run(survives_everything(tmp_path, arrange, 14, ["kill"], twice=False))  # all else is as in scaling


def test_deleting_a_cluster_survives_everything(tmp_path: Path) -> None:
    async def arrange(rig: Rig) -> Start:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)

        def decide(tx: Tx, _job_id: str) -> None:
            service.resize(tx, service.locked(tx, cluster_id), 0)
            row = service.locked(tx, cluster_id)
            service.write(tx, row, "deletion requested", status="deleting", health="being deleted")

        return Start("delete_cluster", {"cluster_id": cluster_id}, None, 0, decide)

    asyncio.run(survives_everything(tmp_path, arrange, 8))
