"""Provisioning and ending droplets survive a failure at every step, and being done twice from every step."""

import asyncio
from pathlib import Path

from sqlalchemy import select

from clustergenie.droplets import membership, service
from clustergenie.droplets.tables import droplets
from clustergenie.platform.db import Tx
from tests.droplets.rig import Rig
from tests.droplets.worlds import Start, survives_everything


def test_provisioning_survives_everything(tmp_path: Path) -> None:
    async def arrange(rig: Rig) -> Start:
        cluster_id = await rig.cluster()
        return Start("provision", {"cluster_id": cluster_id, "count": 3}, cluster_id, 3)

    asyncio.run(survives_everything(tmp_path, arrange, 14))


def test_provisioning_without_a_cluster_survives_everything(tmp_path: Path) -> None:
    async def arrange(rig: Rig) -> Start:
        return Start("provision", {"name": "alone"})

    asyncio.run(survives_everything(tmp_path, arrange, 14, ["kill"], twice=False))  # all else is as in a cluster


def test_ending_droplets_survives_everything(tmp_path: Path) -> None:
    async def arrange(rig: Rig) -> Start:
        cluster_id = await rig.cluster(of=3)
        await rig.settled(cluster_id, 3)
        return Start("destroy", {}, cluster_id, 1, leave)

    def leave(tx: Tx, job_id: str) -> None:
        rows = list(tx.execute(select(droplets).where(droplets.c.status == "active").limit(2)))
        membership.clusters().leave(tx, rows[0].cluster_id, 2)
        service.move(tx, rows[:1], "draining", "to be drained")
        service.move(tx, rows[1:], "deleting", "to be deleted")
        service.belongs_to(tx, [row.id for row in rows], job_id)

    asyncio.run(survives_everything(tmp_path, arrange, 4))
