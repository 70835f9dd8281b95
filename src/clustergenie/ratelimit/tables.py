"""Where rules rest; with Redis, what it is filled from again when it has lost everything."""

from sqlalchemy import BigInteger, Boolean, Column, Float, String, Table

from clustergenie.platform.db import metadata
from clustergenie.platform.types import UtcDateTime

limiter_rules = Table(
    "limiter_rules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("capacity", BigInteger, nullable=False),
    Column("refill_rate", Float(53), nullable=False),
    Column("on_error", String(8), nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# Versions only grow, also over deletions: one that was deleted and made again must not look like the one before.
limiter_version = Table(
    "limiter_version", metadata, Column("version", BigInteger, primary_key=True, autoincrement=False)
)
