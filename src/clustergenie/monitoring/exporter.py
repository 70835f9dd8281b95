"""Show the fleet to Prometheus: a bounded number of series, read from the database when they are asked for."""

import datetime as dt
import time
import weakref
from collections import Counter
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import and_, func, select

from clustergenie import clusters, droplets
from clustergenie.monitoring.tables import metrics
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.telemetry import registry

CLUSTERS_SHOWN = 200
TYPES_SHOWN = 30
OTHER = "_other"
"""Stands for the clusters beyond CLUSTERS_SHOWN together: the mean of their values."""
FRESH = dt.timedelta(minutes=5)
FRESH_SECONDS = 1.0

cluster_value = Gauge(
    "clustergenie_cluster_metric_value",
    "The last value of each metric of a cluster.",
    ("cluster_id", "metric_type", "unit"),
    registry=registry,
)
droplets_there = Gauge("clustergenie_droplets", "Droplets in each status.", ("status",), registry=registry)
clusters_there = Gauge("clustergenie_clusters", "Clusters in each status.", ("status",), registry=registry)

_DROPLET_STATUSES = ("pending", "provisioning", "active", "draining", "deleting", "failed", "lost")
_CLUSTER_STATUSES = ("empty", "provisioning", "healthy", "degraded", "scaling", "deleting")
Series = dict[tuple[str, str, str], float]
_read_at: "weakref.WeakKeyDictionary[Database, float]" = weakref.WeakKeyDictionary()


async def collect(db: Database) -> None:
    """Bring the gauges up to date, unless they have just been."""
    if time.monotonic() - _read_at.get(db, -FRESH_SECONDS) < FRESH_SECONDS:
        return
    _read_at[db] = time.monotonic()
    by_cluster, by_droplet, values = await db.read(read)
    for gauge, known, found in (
        (clusters_there, _CLUSTER_STATUSES, by_cluster),
        (droplets_there, _DROPLET_STATUSES, by_droplet),
    ):
        for status in known:
            gauge.labels(status).set(found.get(status, 0))
    cluster_value.clear()  # what is not set again has gone with its cluster
    for labels, value in values.items():
        cluster_value.labels(*labels).set(value)


def read(tx: Tx) -> tuple[dict[str, int], dict[str, int], Series]:
    """Clusters and droplets in each status, and the last values by cluster id, type and unit."""
    living = clusters.statuses(tx)
    return dict(Counter(living.values())), droplets.statuses(tx), bounded(list(living), _latest(tx))


def bounded(living: list[str], latest: list[Any]) -> Series:
    """At most CLUSTERS_SHOWN clusters by name, the oldest ones, and TYPES_SHOWN types; the rest as `_other`."""
    shown, rest = set(living[:CLUSTERS_SHOWN]), set(living[CLUSTERS_SHOWN:])
    types = [name for name, _ in Counter(row.type for row in latest).most_common(TYPES_SHOWN)]
    values: Series = {}
    others: dict[tuple[str, str, str], list[float]] = {}
    for row in latest:
        if row.type not in types:
            continue
        if row.cluster_id in shown:
            values[row.cluster_id, row.type, row.unit] = row.value
        elif row.cluster_id in rest:
            others.setdefault((OTHER, row.type, row.unit), []).append(row.value)
    return values | {labels: sum(found) / len(found) for labels, found in others.items()}


def _latest(tx: Tx) -> list[Any]:
    """The last row of each cluster and type that is about the cluster as a whole and not old."""
    whole = and_(metrics.c.droplet_id.is_(None), metrics.c.timestamp > tx.now - FRESH)
    last = (
        select(metrics.c.cluster_id, metrics.c.type, func.max(metrics.c.id).label("id"))
        .where(whole)
        .group_by(metrics.c.cluster_id, metrics.c.type)
        .subquery()
    )
    query = select(metrics.c.cluster_id, metrics.c.type, metrics.c.unit, metrics.c.value)
    return list(tx.execute(query.join(last, last.c.id == metrics.c.id)))
