"""Where the audit trail is kept: rows that are only ever added, and after years forgotten."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import UtcDateTime

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("actor_name", String(255), nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(255), nullable=False),
    Column("cluster_id", String(64)),
    Column("value_before", Text),  # JSON, as is value_after: what changed, without secrets
    Column("value_after", Text),
    Column("request_id", String(64), nullable=False),
    Column("trace_id", String(64), nullable=False),
    sqlite_autoincrement=True,  # an id that was given is never given again
)
Index("ix_audit_log_at", audit_log.c.at)
Index("ix_audit_log_actor", audit_log.c.actor, audit_log.c.id)
Index("ix_audit_log_target", audit_log.c.target, audit_log.c.id)

# One row. The database lets nobody delete what is younger, whoever asks; retention moves it before it forgets.
audit_floor = Table(
    "audit_floor",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("keep_from", UtcDateTime, nullable=False),
)
