"""Clusters over HTTP."""

from typing import Annotated, Literal

import msgspec
from litestar.params import FromPath, Parameter
from msgspec import UNSET

from clustergenie import auth
from clustergenie.clusters import remove, service
from clustergenie.clusters.models import (
    STATUSES,
    Cluster,
    ClusterBusy,
    ClusterChange,
    ClusterChanged,
    ClusterLeaving,
    ClusterNameTaken,
    ClusterNotFound,
    ClusterSpec,
)
from clustergenie.clusters.scale import SCALE, Scale
from clustergenie.droplets import DropletSpec, objection
from clustergenie.jobs import Job, enqueue, live_of_cluster
from clustergenie.platform import http as web
from clustergenie.platform.db import Database, Tx


class ClusterReply(msgspec.Struct):
    """A cluster, what became of the request, and the job that is at work on it, if one is."""

    cluster: Cluster
    message: str
    job: Job | None = None


class ClusterList(msgspec.Struct):
    """A page of clusters."""

    clusters: list[Cluster]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


def _create(tx: Tx, spec: ClusterSpec) -> tuple[Cluster, Job | None]:
    _placeable(spec)
    cluster = service.create(tx, spec)
    if spec.wanted_size == 0:
        return cluster, None
    return cluster, enqueue(tx, SCALE, Scale(cluster.id, target_size=spec.wanted_size))


def _change(tx: Tx, cluster_id: str, change: ClusterChange) -> tuple[Cluster, Job | None]:
    before = service.get(tx, cluster_id)
    cluster = service.change(tx, cluster_id, change)
    asked = {name: value for name, value in msgspec.to_builtins(change).items() if name != "revision"}
    was = {name: getattr(before, name) for name in asked}
    auth.audit(tx, "cluster.update", cluster_id, cluster_id=cluster_id, before=was, after=asked)
    if any(value is not UNSET for value in (change.provider, change.region, change.size, change.image)):
        _placeable(cluster)
    if change.wanted_size is UNSET:
        return cluster, None
    # With a scale job on its way, what is wanted now is not yet what was asked for last.
    if change.wanted_size == cluster.wanted_size and not live_of_cluster(tx, cluster_id, (SCALE.name,)):
        return cluster, None
    return cluster, enqueue(tx, SCALE, Scale(cluster_id, target_size=change.wanted_size))


def _placeable(wanted: ClusterSpec | Cluster) -> None:
    """Raises Invalid for defaults that no droplet could ever have."""
    wish = DropletSpec("-", region=wanted.region, size=wanted.size, image=wanted.image, provider=wanted.provider)
    if (problem := objection(wish)) is not None:
        raise problem


@web.post("/clusters", allow=web.OPERATOR, raises=[ClusterNameTaken], tags=["clusters"])
async def create_cluster(db: Database, data: ClusterSpec) -> ClusterReply:
    """Create a cluster; with a `wanted_size`, a scale job provisions its droplets."""
    cluster, job = await db.write(_create, data)
    return ClusterReply(cluster, "created", job)


@web.get("/clusters", allow=web.VIEWER, scoped=True, tags=["clusters"])
async def list_clusters(
    db: Database,
    paging: web.Paging,
    status: Annotated[str | None, Parameter(max_length=16, description=", ".join(STATUSES))] = None,
    region: Annotated[str | None, Parameter(max_length=64)] = None,
    q: Annotated[str | None, Parameter(max_length=255, description="Part of the name.")] = None,
) -> ClusterList:
    """List clusters, newest first unless asked otherwise."""
    found = await db.read(service.page, service.ClusterFilter(status, region, q), paging)
    return ClusterList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/clusters/counts", allow=web.VIEWER, scoped=True, tags=["clusters"])
async def count_clusters(
    db: Database,
    region: Annotated[str | None, Parameter(max_length=64)] = None,
    q: Annotated[str | None, Parameter(max_length=255, description="Part of the name.")] = None,
) -> web.Counts:
    """How many clusters there are of each status but `deleted`."""
    return await db.read(service.counts, service.ClusterFilter(None, region, q))


@web.get("/clusters/{cluster_id:str}", allow=web.VIEWER, scoped=True, raises=[ClusterNotFound], tags=["clusters"])
async def get_cluster(db: Database, cluster_id: FromPath[str]) -> ClusterReply:
    """One cluster."""
    return ClusterReply(await db.read(service.get, cluster_id), "ok")


@web.put(
    "/clusters/{cluster_id:str}",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ClusterNotFound, ClusterNameTaken, ClusterChanged, ClusterLeaving],
    tags=["clusters"],
)
async def change_cluster(db: Database, cluster_id: FromPath[str], data: ClusterChange) -> ClusterReply:
    """Change a cluster; what is left out stays. Another `wanted_size` leads to a scale job."""
    cluster, job = await db.write(_change, cluster_id, data)
    return ClusterReply(cluster, "updated", job)


@web.delete(
    "/clusters/{cluster_id:str}",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ClusterNotFound, ClusterLeaving, ClusterBusy],
    status_code=202,
    tags=["clusters"],
)
async def delete_cluster(
    db: Database,
    cluster_id: FromPath[str],
    on_conflict: Annotated[
        Literal["queue", "reject", "replace"],
        Parameter(description="What to do about work that is running on it: wait, refuse, or cancel it."),
    ] = "queue",
) -> ClusterReply:
    """Drain and delete a cluster with all its droplets; follow it by the job in the reply."""
    cluster, job = await db.write(remove.request, cluster_id, on_conflict)
    return ClusterReply(cluster, "deleting", job)


routes = [create_cluster, list_clusters, count_clusters, get_cluster, change_cluster, delete_cluster]
