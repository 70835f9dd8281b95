"""Look at every cluster every few seconds: keep its status true, and have it healed when it is not as wanted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from clustergenie import droplets, jobs
from clustergenie.clusters import plan, service
from clustergenie.clusters.remove import DELETE, DeleteCluster
from clustergenie.clusters.scale import HEAL, Heal
from clustergenie.clusters.tables import clusters
from clustergenie.platform.db import Database, Tx

_LIVING = select(clusters).where(clusters.c.status != "deleted")


async def round_of_all(db: Database) -> list[str]:
    """One look at every cluster; which ones are to be healed."""
    stale = await db.read(_to_look_at)
    return [cluster_id for cluster_id in stale if await db.write(look, cluster_id)]


def _to_look_at(tx: Tx) -> list[str]:
    """Those whose status is not what it would be, whose size is not what is wanted, or whose end nobody sees to."""
    counts = droplets.counts(tx)
    return [
        row.id
        for row in list(tx.execute(_LIVING))
        if _stale(row, counts.get(row.id, {})) or _unwell(tx, row, counts) or _forsaken(tx, row)
    ]


def _stale(row: Any, there: Mapping[str, int]) -> bool:
    status, health = plan.health(there, row.wanted_size, deleting=row.status == "deleting")
    return (row.status, row.health, row.active) != (status, health, there.get("active", 0))


def _unwell(tx: Tx, row: Any, counts: Mapping[str, Mapping[str, int]]) -> bool:
    if row.status == "deleting" or (row.heal_after is not None and row.heal_after > tx.now):
        return False
    return plan.differs(counts.get(row.id, {}), row.wanted_size) != 0


def _forsaken(tx: Tx, row: Any) -> bool:
    """Its end was decided, but the job that was to bring it about was cancelled or has given up."""
    return row.status == "deleting" and not jobs.live_of_cluster(tx, row.id, (DELETE.name,))


def look(tx: Tx, cluster_id: str) -> bool:
    """Bring one cluster's status up to date, and queue its healing if it needs any; whether it does.

    A deletion that was accepted is taken up again however its job ended.
    """
    row = tx.execute(_LIVING.where(clusters.c.id == cluster_id).with_for_update()).one_or_none()
    if row is None:
        return False
    counts = droplets.counts(tx, [cluster_id])
    there = counts.get(cluster_id, {})
    if _stale(row, there):
        status, health = plan.health(there, row.wanted_size, deleting=row.status == "deleting")
        service.write(tx, row, health, status=status, health=health, active=there.get("active", 0), last_checked=tx.now)
    if _forsaken(tx, row):
        jobs.enqueue(tx, DELETE, DeleteCluster(cluster_id))
    if not _unwell(tx, row, counts):
        return False
    if not any(map(_soon, jobs.live_of_cluster(tx, cluster_id, ("scale", "heal")))):
        jobs.enqueue(tx, HEAL, Heal(cluster_id))
    return True


def _soon(job: jobs.Job) -> bool:
    """Whether it is on its way; one that was asked for a later time does not keep a cluster from being healed now."""
    return job.state != "scheduled" or job.attempt > 0
