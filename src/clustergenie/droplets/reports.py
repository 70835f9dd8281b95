"""Read what agents said and where they are, many droplets at once, for the slices that watch them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from clustergenie.droplets.models import Droplet, shown
from clustergenie.droplets.tables import droplets, vitals
from clustergenie.platform.db import Tx

CHUNK = 500
REPLACED = "replaced: "
"""How the reason begins of a droplet that is ended because it broke."""


class Report(NamedTuple):
    """What one agent last said: percent of the droplet's size, network in bytes a second."""

    droplet_id: str
    cluster_id: str | None
    last_seen_at: dt.datetime
    cpu: float | None
    memory: float | None
    disk: float | None
    network_in: float | None
    network_out: float | None
    oom_kills: int


class Average(NamedTuple):
    """The mean over the active droplets of a cluster that report."""

    cluster_id: str
    cpu: float | None
    memory: float | None
    disk: float | None


class Place(NamedTuple):
    """Where an active droplet can be reached."""

    droplet_id: str
    cluster_id: str | None
    name: str
    provider: str
    ip_address: str | None
    port: int | None
    last_seen_at: dt.datetime | None


_MEASURED = (vitals.c.cpu, vitals.c.memory, vitals.c.disk, vitals.c.network_in, vitals.c.network_out)
_REPORTS = (
    select(vitals.c.droplet_id, droplets.c.cluster_id, vitals.c.last_seen_at, *_MEASURED, vitals.c.detail)
    .join(droplets, droplets.c.id == vitals.c.droplet_id)
    .order_by(vitals.c.last_seen_at)
)
_PLACES = select(
    droplets.c.id, droplets.c.cluster_id, droplets.c.name, droplets.c.provider, droplets.c.ip_address,
    droplets.c.port, vitals.c.last_seen_at,
).outerjoin(vitals, vitals.c.droplet_id == droplets.c.id).where(droplets.c.status == "active")  # fmt: skip


def reports_since(tx: Tx, since: dt.datetime, limit: int) -> list[Report]:
    """The last word of the droplets that spoke after that moment, oldest first."""
    rows = tx.execute(_REPORTS.where(vitals.c.last_seen_at > since).limit(limit))
    return [Report._make((*row[:8], int((row.detail or {}).get("oom_kills", 0)))) for row in rows]


def averages(tx: Tx, since: dt.datetime) -> list[Average]:
    """The mean of each cluster, over its active droplets that spoke after that moment."""
    query = (
        select(
            droplets.c.cluster_id, func.avg(vitals.c.cpu), func.avg(vitals.c.memory), func.avg(vitals.c.disk)
        )
        .join(vitals, vitals.c.droplet_id == droplets.c.id)
        .where(droplets.c.status == "active", droplets.c.cluster_id.is_not(None), vitals.c.last_seen_at > since)
        .group_by(droplets.c.cluster_id)
    )  # fmt: skip
    return [Average._make(row) for row in tx.execute(query)]


def places(tx: Tx, providers: Sequence[str], after: str, limit: int) -> list[Place]:
    """Active droplets of these providers that have an address, in order of id from the one after `after`."""
    query = _PLACES.where(droplets.c.provider.in_(providers), droplets.c.ip_address.is_not(None), droplets.c.id > after)
    return [Place._make(row) for row in tx.execute(query.order_by(droplets.c.id).limit(limit))]


def places_of(tx: Tx, cluster_id: str) -> list[Place]:
    """The active droplets of a cluster; those that have been silent longest come first."""
    query = _PLACES.where(droplets.c.cluster_id == cluster_id)
    return [Place._make(row) for row in tx.execute(query.order_by(vitals.c.last_seen_at, droplets.c.id))]


def homes(tx: Tx, droplet_ids: Sequence[str]) -> dict[str, str | None]:
    """The cluster of each of these droplets; one that does not exist, or no longer, is left out."""
    found: dict[str, str | None] = {}
    for start in range(0, len(droplet_ids), CHUNK):
        query = select(droplets.c.id, droplets.c.cluster_id).where(
            droplets.c.id.in_(droplet_ids[start : start + CHUNK]), droplets.c.status != "deleted"
        )
        found |= {row.id: row.cluster_id for row in tx.execute(query)}
    return found


def statuses(tx: Tx) -> dict[str, int]:
    """How many droplets there are in each status but `deleted`."""
    query = select(droplets.c.status, func.count().label("n")).where(droplets.c.status != "deleted")
    return {row.status: row.n for row in tx.execute(query.group_by(droplets.c.status))}


def broken_since(tx: Tx, cluster_id: str, since: dt.datetime, limit: int = 200) -> list[Droplet]:
    """Droplets of a cluster that broke: those that are lost or failed, and those ended for it since then."""
    ended = droplets.c.status.in_(("deleting", "deleted")) & droplets.c.status_reason.startswith(REPLACED)
    query: Any = select(droplets).where(
        droplets.c.cluster_id == cluster_id,
        droplets.c.updated_at > since,
        or_(droplets.c.status.in_(("lost", "failed")), ended),
    )
    return [shown(row) for row in tx.execute(query.order_by(droplets.c.updated_at.desc()).limit(limit))]
