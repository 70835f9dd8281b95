"""Where clusters are kept."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

clusters = Table(
    "clusters",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    # The name while the cluster lives; null afterwards, so that the name is free again.
    Column("live_name", String(255), unique=True),
    Column("region", String(64)),
    Column("provider", String(64)),
    Column("size", String(64)),
    Column("image", String(128)),
    Column("checks", Json, nullable=False),
    Column("status", String(16), nullable=False),
    Column("health", Text, nullable=False),
    Column("wanted_size", Integer, nullable=False),
    Column("active", Integer, nullable=False),
    Column("next_ordinal", Integer, nullable=False),
    Column("heal_failures", Integer, nullable=False),
    Column("heal_after", UtcDateTime),
    Column("revision", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("trace_id", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_checked", UtcDateTime),
    Column("deleted_at", UtcDateTime),
)
Index("ix_clusters_created", clusters.c.created_at, clusters.c.id)
Index("ix_clusters_status", clusters.c.status)
