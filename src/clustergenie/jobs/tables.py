"""Where jobs, their attempts, their remembered steps, workers and schedules are kept."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    literal_column,
    text,
)

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

# States are literals in every partial index and in the claim: a bound value would hide the index from the planner.
LIVE = "state IN ('scheduled','ready','running')"
ENDED = "state IN ('completed','failed','dead','cancelled')"
_UNIQUE_LIVE = text(f"unique_key IS NOT NULL AND {LIVE}")
_SERIAL_LIVE = text(f"serial_key IS NOT NULL AND {LIVE}")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cluster_id", String(64)),
    Column("droplet_id", String(64)),
    Column("trace_id", String(32), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("progress", SmallInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("result", Json),
    Column("error", Text),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("lost_count", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("worker_id", String(64)),
    Column("timeout_seconds", Integer, nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    Column("unique_key", String(128)),
    Column("serial_key", String(128)),
    Column("created_by", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("attempt_started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
)

# MySQL has no partial indexes; there the migration makes others, over hidden columns that are null where a row is out.
# On servers it also makes `accepted`, the order in which jobs were accepted, which is the rowid on SQLite.


def _in_part(*_args: Any, dialect: Dialect, **_more: Any) -> bool:
    return dialect.name != "mysql"


Index(
    "ix_jobs_claim", jobs.c.priority, jobs.c.run_at, jobs.c.id,
    sqlite_where=text("state = 'ready'"), postgresql_where=text("state = 'ready'"),
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "ix_jobs_due", jobs.c.run_at,
    sqlite_where=text("state = 'scheduled'"), postgresql_where=text("state = 'scheduled'"),
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "ix_jobs_owner", jobs.c.worker_id,
    sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'"),
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "uq_jobs_unique_key_live", jobs.c.unique_key, unique=True,
    sqlite_where=_UNIQUE_LIVE, postgresql_where=_UNIQUE_LIVE,
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "uq_jobs_serial_key_running", jobs.c.serial_key, unique=True,
    sqlite_where=text("serial_key IS NOT NULL AND state = 'running'"),
    postgresql_where=text("serial_key IS NOT NULL AND state = 'running'"),
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "ix_jobs_serial_key_live", jobs.c.serial_key, jobs.c.created_at, jobs.c.id,
    sqlite_where=_SERIAL_LIVE, postgresql_where=_SERIAL_LIVE,
).ddl_if(callable_=_in_part)  # fmt: skip
Index(
    "ix_jobs_deadline", jobs.c.deadline_at,
    sqlite_where=text(LIVE), postgresql_where=text(LIVE),
)  # fmt: skip
Index("ix_jobs_created", jobs.c.created_at, jobs.c.id)
Index("ix_jobs_cluster", jobs.c.cluster_id, jobs.c.created_at)
Index("ix_jobs_completed", jobs.c.completed_at)
Index("ix_jobs_trace", jobs.c.trace_id)
# Counts by status, and the last runs of a type; only jobs that have ended, so that asking for one costs nothing.
Index(
    "ix_jobs_ended", jobs.c.state, jobs.c.type, jobs.c.completed_at,
    sqlite_where=text(ENDED), postgresql_where=text(ENDED),
)  # fmt: skip


def of_live_unique_key(dialect: str, key: str) -> ColumnElement[bool]:
    """The live job of this unique key, in words that go by the index which makes it the only one."""
    column: ColumnElement[str] = literal_column("unique_live") if dialect == "mysql" else jobs.c.unique_key
    return column == key


attempts = Table(
    "job_attempts",
    metadata,
    Column("job_id", String(96), primary_key=True),
    Column("fence", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_id", String(64)),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("error", Text),
    sqlite_with_rowid=False,
)

steps = Table(
    "job_steps",
    metadata,
    Column("job_id", String(96), primary_key=True),
    Column("step", String(128), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("output", Json),
    Column("at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("job_id", String(96), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("role", String(16), nullable=False, server_default="all"),
    Column("version", String(64)),
    Column("url", String(255)),
    Column("seen_at", UtcDateTime),
    Column("busy", Integer, nullable=False, server_default="0"),
    Column("waiting", Integer, nullable=False, server_default="0"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("cron", String(128), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("cluster_id", String(64)),
    Column("misfire", String(16), nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("next_run_at", UtcDateTime),
    Column("last_run_at", UtcDateTime),
    Column("last_job_id", String(96)),
    Column("last_error", Text),
    Column("created_by", String(255)),
    Column("acts_with", Json),
    Column("version", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

schedule_fires = Table(
    "schedule_fires",
    metadata,
    Column("schedule_id", String(64), primary_key=True),
    Column("slot_at", UtcDateTime, primary_key=True),
    Column("job_id", String(96)),
    sqlite_with_rowid=False,
)
