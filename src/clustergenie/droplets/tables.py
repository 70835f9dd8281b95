"""Where droplets, what their agents last said, and this installation's name are kept."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

droplets = Table(
    "droplets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("cluster_id", String(64)),
    Column("name", String(255), nullable=False),
    # The name while the droplet lives, with its cluster; null afterwards, so that the name is free again.
    Column("live_name", String(330), unique=True),
    Column("region", String(64), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("size", String(64), nullable=False),
    Column("image", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_reason", Text, nullable=False),
    Column("ip_address", String(64)),
    Column("port", Integer),
    Column("machine_ref", String(255)),
    Column("hourly_usd_micros", BigInteger, nullable=False),
    Column("job_id", String(96)),
    Column("trace_id", String(32), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("active_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
)
Index("ix_droplets_cluster", droplets.c.cluster_id, droplets.c.status)
Index("ix_droplets_created", droplets.c.created_at, droplets.c.id)
Index("ix_droplets_job", droplets.c.job_id)
Index(
    "ix_droplets_status", droplets.c.status,
    sqlite_where=text("status != 'deleted'"), postgresql_where=text("status != 'deleted'"),
)  # fmt: skip

agents = Table(
    "droplet_agents",
    metadata,
    Column("droplet_id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("token_expires_at", UtcDateTime, nullable=False),
    Column("nonce_hash", String(64)),
    Column("enrolled_at", UtcDateTime),
    Column("credential_hash", String(64)),
    Column("next_credential_hash", String(64)),
    Column("credential_expires_at", UtcDateTime),
    sqlite_with_rowid=False,
)

vitals = Table(
    "droplet_vitals",
    metadata,
    Column("droplet_id", String(64), primary_key=True),
    Column("last_seen_at", UtcDateTime, nullable=False, index=True),
    Column("heartbeat_seconds", Float(53), nullable=False),
    Column("cpu", Float(53)),
    Column("memory", Float(53)),
    Column("disk", Float(53)),
    Column("network_in", Float(53)),
    Column("network_out", Float(53)),
    Column("uptime_seconds", Float(53)),
    Column("agent_version", String(32)),
    Column("boot_id", String(64)),
    Column("detail", Json),
    sqlite_with_rowid=False,
)

installation = Table(
    "installation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("key_fingerprint", String(64)),
)
