"""Delete a cluster: its droplets first, then itself."""

import asyncio
from typing import Any

import msgspec

from clustergenie import auth, droplets, jobs
from clustergenie.clusters import service
from clustergenie.clusters.models import Cluster, ClusterBusy, ClusterLeaving, ClusterNotFound
from clustergenie.clusters.scale import serial_key
from clustergenie.platform.db import Tx

LOOK_SECONDS = 0.2
CHANGING = ("provision", "scale", "heal")


class DeleteCluster(msgspec.Struct, forbid_unknown_fields=True):
    """Which cluster goes."""

    cluster_id: str


DELETE = jobs.declare(
    jobs.Kind(
        "delete_cluster",
        DeleteCluster,
        timeout_seconds=3600,
        max_attempts=25,
        public=False,
        lanes=lambda wanted: jobs.Lanes(
            cluster_id=wanted.cluster_id,
            serial_key=serial_key(wanted.cluster_id),
            unique_key=f"delete:{wanted.cluster_id}",
        ),
    )
)


def request(tx: Tx, cluster_id: str, on_conflict: jobs.OnConflict) -> tuple[Cluster, jobs.Job]:
    """Decide the end of a cluster. With work running on it, `queue` waits, `reject` refuses, `replace` cancels it.

    Raises ClusterNotFound, ClusterLeaving, ClusterBusy.
    """
    row = service.locked(tx, cluster_id)
    if row.status == "deleting":
        raise ClusterLeaving(f"{cluster_id} is already being deleted.")
    busy = jobs.live_of_cluster(tx, cluster_id, CHANGING)
    if busy and on_conflict == "reject":
        raise ClusterBusy(
            f"{len(busy)} jobs are at work on {cluster_id}, {busy[0].id} among them; wait for them, or ask with "
            "on_conflict=queue to delete after them, or replace to cancel them.",
            job_id=busy[0].id,
        )
    service.resize(tx, row, 0)
    row = service.locked(tx, cluster_id)
    service.write(tx, row, "deletion requested", status="deleting", health="being deleted")
    if on_conflict == "replace":
        for job in busy:
            jobs.cancel(tx, job.id, f"{cluster_id} is being deleted")
    was = {"name": row.name, "droplets": row.active}
    how = {"on_conflict": on_conflict}
    auth.audit(tx, "cluster.delete", cluster_id, cluster_id=cluster_id, before=was, after=how)
    job = jobs.enqueue(tx, DELETE, DeleteCluster(cluster_id))
    return service.get(tx, cluster_id), job


def handler(_fleet: droplets.Fleet) -> jobs.Handler[DeleteCluster]:
    """What does the work."""

    async def run(job: jobs.Running[DeleteCluster]) -> dict[str, Any]:
        cluster_id = job.parameters.cluster_id
        await job.progress(10, "ending its droplets")
        while left := await job.write(_end_rest, cluster_id):
            await job.progress(30, f"{left} droplets left")
            await _until_fewer(job, cluster_id, left)
        await job.write(_forget, cluster_id)
        return {"deleted": cluster_id}

    return jobs.Handler(DELETE, run)


async def _until_fewer(job: jobs.Running[Any], cluster_id: str, left: int) -> None:
    """Wait until something has gone, or a second."""
    for _ in range(round(1 / LOOK_SECONDS)):
        await asyncio.sleep(LOOK_SECONDS)
        if await job.read(_left, cluster_id) < left:
            return


def _end_rest(tx: Tx, cluster_id: str) -> int:
    """Decide the end of every droplet whose end is not decided yet; how many droplets are left.

    A cluster that is being deleted takes no new droplets. Those that a job is bringing up are waited for, unless it
    was cancelled. Other jobs are not waited for: one that has its time yet to come finds the cluster gone, and one of
    our serial key would wait for us.
    """
    members = droplets.of_cluster(tx, cluster_id)
    staying = [one.id for one in members if one.status not in droplets.LEAVING]
    coming = {one.job_id for one in members if one.status in droplets.COMING and one.job_id is not None}
    if staying and not jobs.is_live(tx, coming):
        droplets.end_by_id(tx, staying, "its cluster is being deleted")
    return _left(tx, cluster_id)


def _left(tx: Tx, cluster_id: str) -> int:
    return sum(droplets.counts(tx, [cluster_id]).get(cluster_id, {}).values())


def _forget(tx: Tx, cluster_id: str) -> None:
    try:
        row = service.locked(tx, cluster_id)
    except ClusterNotFound:  # an earlier attempt got this far, and was lost before it could say so
        return
    service.write(
        tx, row, f"cluster {row.name} deleted", "cluster_deleted",
        status="deleted", health="deleted", live_name=None, deleted_at=tx.now, active=0,
    )  # fmt: skip
