"""Where measurements, the last answer to each probe, and counted memory kills are kept."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import UtcDateTime

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER is a rowid there

metrics = Table(
    "metrics",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("cluster_id", String(64)),
    # Null: a measurement of the cluster as a whole.
    Column("droplet_id", String(64)),
    Column("type", String(64), nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("value", Float(53), nullable=False),
    Column("unit", String(32), nullable=False),
)
_whole, _single = metrics.c.droplet_id.is_(None), metrics.c.droplet_id.is_not(None)
Index("ix_metrics_cluster", metrics.c.cluster_id, metrics.c.type, metrics.c.timestamp)
# A cluster's own rows are few among those of its droplets, and they are what charts of a cluster read.
Index(
    "ix_metrics_whole", metrics.c.cluster_id, metrics.c.type, metrics.c.timestamp,
    sqlite_where=_whole, postgresql_where=_whole,
)  # fmt: skip
Index(
    "ix_metrics_droplet", metrics.c.droplet_id, metrics.c.type, metrics.c.timestamp,
    sqlite_where=_single, postgresql_where=_single,
)  # fmt: skip
Index("ix_metrics_timestamp", metrics.c.timestamp)

probes = Table(
    "probes",
    metadata,
    Column("droplet_id", String(64), primary_key=True),
    Column("check_name", String(255), primary_key=True),
    Column("cluster_id", String(64), index=True),
    Column("ok", Boolean, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("latency_ms", Float(53)),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("consecutive_failures", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    sqlite_with_rowid=False,
)

# Agents count memory kills from their start; what has been counted already is noted here, so that each counts once.
oom_marks = Table(
    "oom_marks",
    metadata,
    Column("droplet_id", String(64), primary_key=True),
    Column("oom_kills", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)
