"""Where keys, sessions and the setup token are kept: hashes, never secrets."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

keys = Table(
    "auth_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("prefix", String(16), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("grants", Json, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("rotated_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

sessions = Table(
    "auth_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("key_id", String(32)),  # a session that began with a key lives no longer than the key
    Column("grants", Json),  # of who came without one
    Column("address", String(64), nullable=False),
    Column("user_agent", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
Index("ix_auth_sessions_expires", sessions.c.expires_at)
Index("ix_auth_sessions_key", sessions.c.key_id)

setup = Table(
    "auth_setup",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

# One row. It grows with every change of keys and sessions; a process that remembers another number reads them again.
version = Table("auth_version", metadata, Column("version", BigInteger, primary_key=True, autoincrement=False))
