"""Where events rest: the log, the outbox before it where many write, and what each consumer group has done with it."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text
from sqlalchemy.dialects.mysql import LONGTEXT

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

_POSITION = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER is a rowid there

events = Table(
    "events",
    metadata,
    Column("id", _POSITION, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("job_id", String(255)),
    Column("job_type", String(64)),
    Column("cluster_id", String(255)),
    Column("droplet_id", String(255)),
    Column("progress", Integer),
    Column("message", Text, nullable=False),
    Column("trace_id", String(64)),
    Column("payload", Json, nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Index("ix_events_type_id", "type", "id"),
    Index("ix_events_key_seq", "key", "seq"),
    sqlite_autoincrement=True,  # an id is never used twice, not even after retention took the newest row
)

for _name in ("cluster_id", "job_id", "droplet_id", "trace_id"):
    # Rows without a value are never looked for: leaving them out keeps the hot insert short.
    _known = events.c[_name].is_not(None)
    Index(f"ix_events_{_name}_id", events.c[_name], events.c.id, sqlite_where=_known, postgresql_where=_known)

# On database servers an event is committed here, in the order of its key, and gets its place in the log from there.
outbox = Table(
    "event_outbox",
    metadata,
    Column("id", _POSITION, primary_key=True, autoincrement=True),
    *(Column(column.name, column.type, nullable=column.nullable) for column in events.columns if column.name != "id"),
)

# One row: the id of the newest event that has a place. Whoever gives places holds its lock.
counter = Table(
    "event_counter",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
)

positions = Table(
    "event_positions",
    metadata,
    Column("consumer_group", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

inbox = Table(
    "event_inbox",
    metadata,
    Column("consumer_group", String(64), primary_key=True),
    Column("event_id", String(64), primary_key=True),
    Column("log_id", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "event_dead_letters",
    metadata,
    Column("id", _POSITION, primary_key=True, autoincrement=True),
    Column("consumer_group", String(64), nullable=False),
    Column("log_id", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("event", Json, nullable=False),
    Column("problem", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("replayed_at", UtcDateTime, index=True),
    Column("origin", String(255), index=True),  # where a bus found it, and what it found there
    Column("raw", Text().with_variant(LONGTEXT(), "mysql", "mariadb")),
    Column("headers", Json),
    sqlite_autoincrement=True,
)
