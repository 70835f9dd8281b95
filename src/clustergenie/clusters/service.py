"""Create, change and look up clusters."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from clustergenie import auth, droplets
from clustergenie.clusters.models import (
    STATUSES,
    Check,
    Cluster,
    ClusterChange,
    ClusterChanged,
    ClusterLeaving,
    ClusterNameTaken,
    ClusterNotFound,
    ClusterSpec,
    shown,
)
from clustergenie.clusters.tables import clusters
from clustergenie.platform import ids
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem, invalid
from clustergenie.platform.event import Event
from clustergenie.platform.http import Counts, Page, Paging, fetch_page
from clustergenie.platform.telemetry import trace_id

STARTER = "cluster-1"
"""The cluster a new installation begins with, so that the first request of a newcomer has something to name."""

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: clusters.c[name] for name in ("created_at", "name", "status", "region", "wanted_size", "updated_at", "id")
}


class ClusterFilter(msgspec.Struct, frozen=True):
    """Which clusters; None means any but deleted ones."""

    status: str | None = None
    region: str | None = None
    q: str | None = None


def create(tx: Tx, spec: ClusterSpec, cluster_id: str | None = None) -> Cluster:
    """Keep a cluster; it has no droplets yet. Raises ClusterNameTaken."""
    cluster_id = cluster_id or f"cluster-{ids.sortable(tx.now)}"
    row = {
        "id": cluster_id,
        "name": spec.name,
        "live_name": spec.name,
        "region": spec.region,
        "provider": spec.provider,
        "size": spec.size,
        "image": spec.image,
        "checks": spec.checks,
        "status": "empty",
        "health": "no droplets wanted, none there",
        "wanted_size": 0,
        "active": 0,
        "next_ordinal": 1,
        "heal_failures": 0,
        "revision": 1,
        "version": 1,
        "trace_id": trace_id(),
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    try:
        tx.execute(insert(clusters), row)
    except IntegrityError as clash:
        raise ClusterNameTaken(f"There is already a cluster named {spec.name!r}; choose another name.") from clash
    tx.emit(_event("cluster_created", row, 1, f"cluster {spec.name} created"))
    auth.audit(tx, "cluster.create", cluster_id, cluster_id=cluster_id, after=spec)
    return get(tx, cluster_id)


def seed(tx: Tx) -> None:
    """Give a new installation its first cluster."""
    if tx.execute(select(clusters.c.id).limit(1)).first() is None:
        create(tx, ClusterSpec("default"), STARTER)


def change(tx: Tx, cluster_id: str, wanted: ClusterChange) -> Cluster:
    """Change what a cluster is; `wanted_size` is scaling's business. Raises what stands in its way."""
    row = locked(tx, cluster_id)
    if row.status == "deleting":
        raise ClusterLeaving(f"{cluster_id} is being deleted and cannot be changed.")
    if wanted.revision is not UNSET and wanted.revision != row.revision:
        raise ClusterChanged(
            f"{cluster_id} is at revision {row.revision}, not {wanted.revision}: somebody changed it; read it again.",
            revision=row.revision,
        )
    fields = ("name", "region", "provider", "size", "image", "checks")
    values = {name: getattr(wanted, name) for name in fields if getattr(wanted, name) is not UNSET}
    if not values:
        return get(tx, cluster_id)
    if "name" in values:
        values["live_name"] = values["name"]
    try:
        write(tx, row, f"changed {', '.join(sorted(set(values) - {'live_name'}))}", revision=row.revision + 1, **values)
    except IntegrityError as clash:
        raise ClusterNameTaken(f"There is already a cluster named {wanted.name!r}; choose another name.") from clash
    return get(tx, cluster_id)


_COUNTED = (
    update(clusters)
    .where(clusters.c.id == bindparam("b_id"))
    .values(version=clusters.c.version + 1, updated_at=bindparam("moment"))
)


def write(tx: Tx, row: Any, message: str, kind: str = "cluster_updated", **values: Any) -> None:
    """Change a row read in this transaction, count its version, and say so."""
    if values:
        tx.execute(update(clusters).where(clusters.c.id == row.id).values(**values))
    tx.execute(_COUNTED, {"b_id": row.id, "moment": tx.now})
    now = tx.execute(select(clusters).where(clusters.c.id == row.id)).one()
    tx.emit(_event(kind, now._asdict(), now.version, message))


def _event(kind: str, row: Mapping[str, Any], seq: int, message: str) -> Event:
    return Event(
        type=kind,
        key=row["id"],
        seq=seq,
        cluster_id=row["id"],
        message=message,
        trace_id=row["trace_id"],
        payload={
            "name": row["name"],
            "status": row["status"],
            "health": row["health"],
            "wanted_size": row["wanted_size"],
            "active": row["active"],
        },
    )


def find(tx: Tx, cluster_id: str) -> Any:
    """The row, held until the commit; None if there is no such cluster, or no longer."""
    row = tx.execute(select(clusters).where(clusters.c.id == cluster_id).with_for_update()).one_or_none()
    return None if row is None or row.status == "deleted" or not auth.admits(cluster_id) else row


def locked(tx: Tx, cluster_id: str) -> Any:
    """The row, held until the commit. Raises ClusterNotFound."""
    if (row := find(tx, cluster_id)) is None:
        raise ClusterNotFound(f"There is no cluster {cluster_id!r}; GET /api/v1/clusters lists them.")
    return row


def get(tx: Tx, cluster_id: str) -> Cluster:
    """Raises ClusterNotFound, for one that has been deleted too."""
    row = tx.execute(select(clusters).where(clusters.c.id == cluster_id)).one_or_none()
    if row is None or row.status == "deleted" or not auth.admits(cluster_id):
        raise ClusterNotFound(f"There is no cluster {cluster_id!r}; GET /api/v1/clusters lists them.")
    members = droplets.ids_of_clusters(tx, [cluster_id])
    return shown(row, members[cluster_id], droplets.counts(tx, [cluster_id]).get(cluster_id, {}))


def statuses(tx: Tx) -> dict[str, str]:
    """The status of every cluster there is, oldest first."""
    query = select(clusters.c.id, clusters.c.status).where(clusters.c.status != "deleted")
    return {row.id: row.status for row in tx.execute(query.order_by(clusters.c.created_at, clusters.c.id))}


def checks(tx: Tx, cluster_ids: Sequence[str]) -> dict[str, list[Check]]:
    """What the droplets of each of these clusters must answer."""
    query = select(clusters.c.id, clusters.c.checks).where(clusters.c.id.in_(cluster_ids))
    return {row.id: msgspec.convert(row.checks, list[Check]) for row in tx.execute(query)}


def note_checked(tx: Tx, cluster_id: str) -> None:
    """Somebody has just looked at the cluster's droplets; that is not a change of the cluster."""
    tx.execute(update(clusters).where(clusters.c.id == cluster_id).values(last_checked=tx.now))


def counts(tx: Tx, wanted: ClusterFilter) -> Counts:
    """How many clusters there are of each status but `deleted`, by whatever else is wanted."""
    anyhow = _filtered(msgspec.structs.replace(wanted, status=None))
    query = anyhow.with_only_columns(clusters.c.status, func.count().label("n")).group_by(clusters.c.status)
    found = dict.fromkeys((status for status in STATUSES if status != "deleted"), 0)
    found |= {row.status: row.n for row in tx.execute(query)}
    return Counts(found, sum(found.values()))


def page(tx: Tx, wanted: ClusterFilter, paging: Paging) -> Page[Cluster]:
    """One page of clusters, newest first unless asked otherwise."""
    rows, total, following = fetch_page(tx, _filtered(wanted), paging, SORTABLE, clusters.c.id)
    ids_ = [row.id for row in rows]
    members, counted = droplets.ids_of_clusters(tx, ids_), droplets.counts(tx, ids_)
    found = [shown(row, members[row.id], counted.get(row.id, {})) for row in rows]
    return Page(found, paging.page, paging.page_size, total, following)


def _filtered(wanted: ClusterFilter) -> Select[Any]:
    query = auth.visible(select(clusters), clusters.c.id)
    if wanted.region is not None:
        query = query.where(clusters.c.region == wanted.region)
    if wanted.q:
        query = query.where(clusters.c.name.icontains(wanted.q, autoescape=True))
    if wanted.status is None:
        return query.where(clusters.c.status != "deleted")
    if wanted.status not in STATUSES:
        raise invalid("?status", f"must be one of {', '.join(STATUSES)}")
    return query.where(clusters.c.status == wanted.status)


class Members:
    """The cluster side of a droplet's life; see `droplets.Membership`."""

    def objections(self, tx: Tx, cluster_ids: Sequence[str]) -> dict[str, Problem]:
        """Which of these clusters are unknown or leaving."""
        rows = {
            row.id: row.status
            for row in tx.execute(_STATUSES, {"ids": list(cluster_ids)})
        }  # fmt: skip
        return {
            cluster_id: problem
            for cluster_id in cluster_ids
            if (problem := _objection(cluster_id, rows.get(cluster_id) if auth.admits(cluster_id) else None))
            is not None
        }

    def join(self, tx: Tx, cluster_id: str, count: int, name: str | None = None) -> droplets.Joined:
        """`count` more droplets are wanted there, named after `name` or the cluster."""
        row = locked(tx, cluster_id)
        if (problem := _objection(cluster_id, row.status)) is not None:
            raise problem
        resize(tx, row, row.wanted_size + count)
        return take_ordinals(tx, row, count, name)

    def leave(self, tx: Tx, cluster_id: str, count: int) -> None:
        """`count` fewer droplets are wanted there; a cluster that is going wants none anyway."""
        row = tx.execute(select(clusters).where(clusters.c.id == cluster_id).with_for_update()).one_or_none()
        if row is not None and row.status not in ("deleting", "deleted"):
            resize(tx, row, max(0, row.wanted_size - count))


_STATUSES = select(clusters.c.id, clusters.c.status).where(clusters.c.id.in_(bindparam("ids", expanding=True)))


def _objection(cluster_id: str, status: str | None) -> Problem | None:
    if status is None or status == "deleted":
        return ClusterNotFound(f"There is no cluster {cluster_id!r}; GET /api/v1/clusters lists them.")
    if status == "deleting":
        return ClusterLeaving(f"{cluster_id} is being deleted; it takes no new work.")
    return None


def resize(tx: Tx, row: Any, size: int) -> None:
    """Want another number of droplets."""
    if size != row.wanted_size:
        write(tx, row, f"wanted size {row.wanted_size} → {size}", wanted_size=size, revision=row.revision + 1)


def take_ordinals(tx: Tx, row: Any, count: int, name: str | None = None) -> droplets.Joined:
    """Numbers for `count` new names, never given twice, and the cluster's defaults.

    Numbers whose names somebody has given by hand are passed over: else they would be in the way for ever.
    """
    name = name or row.name
    first: int = tx.execute(select(clusters.c.next_ordinal).where(clusters.c.id == row.id)).scalar_one()
    while clashes := droplets.taken(tx, row.id, names := droplets.numbered(name, first, count)):
        first += 1 + max(names.index(clash) for clash in clashes)
    tx.execute(update(clusters).where(clusters.c.id == row.id).values(next_ordinal=first + count))
    return droplets.Joined(
        name=name,
        first_ordinal=first,
        region=row.region,
        provider=row.provider,
        size=row.size,
        image=row.image,
    )
