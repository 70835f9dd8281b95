"""Keep jobs with their attempts and steps, workers, leases and schedules."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _idempotency_keys()
    _job_attempts()
    _job_steps()
    _jobs()
    _leases()
    _schedule_fires()
    _schedules()
    _workers()
    _IN_OTHER_WORDS.get(op.get_context().dialect.name, _nothing)()


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("workers")
    op.drop_table("schedules")
    op.drop_table("schedule_fires")
    op.drop_table("leases")
    op.drop_table("jobs")
    op.drop_table("job_steps")
    op.drop_table("job_attempts")
    op.drop_table("idempotency_keys")


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=96), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)


def _job_attempts() -> None:
    op.create_table(
        "job_attempts",
        sa.Column("job_id", sa.String(length=96), nullable=False),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "fence", name="pk_job_attempts"),
        sqlite_with_rowid=False,
    )


def _job_steps() -> None:
    op.create_table(
        "job_steps",
        sa.Column("job_id", sa.String(length=96), nullable=False),
        sa.Column("step", sa.String(length=128), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("output", Json(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "step", name="pk_job_steps"),
        sqlite_with_rowid=False,
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=True),
        sa.Column("droplet_id", sa.String(length=64), nullable=True),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", Json(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lost_count", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=True),
        sa.Column("cancel_requested_at", UtcDateTime(), nullable=True),
        sa.Column("unique_key", sa.String(length=128), nullable=True),
        sa.Column("serial_key", sa.String(length=128), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("attempt_started_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_cluster", "jobs", ["cluster_id", "created_at"], unique=False)
    op.create_index("ix_jobs_completed", "jobs", ["completed_at"], unique=False)
    op.create_index("ix_jobs_created", "jobs", ["created_at", "id"], unique=False)
    op.create_index("ix_jobs_trace", "jobs", ["trace_id"], unique=False)
    op.create_index(
        "ix_jobs_deadline",
        "jobs",
        ["deadline_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('scheduled','ready','running')"),
        postgresql_where=sa.text("state IN ('scheduled','ready','running')"),
    )
    if op.get_context().dialect.name != "mysql":
        _jobs_in_part()


def _jobs_in_part() -> None:
    op.create_index(
        "ix_jobs_claim",
        "jobs",
        ["priority", "run_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["run_at"],
        unique=False,
        sqlite_where=sa.text("state = 'scheduled'"),
        postgresql_where=sa.text("state = 'scheduled'"),
    )
    op.create_index(
        "ix_jobs_owner",
        "jobs",
        ["worker_id"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_serial_key_live",
        "jobs",
        ["serial_key", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("serial_key IS NOT NULL AND state IN ('scheduled','ready','running')"),
        postgresql_where=sa.text("serial_key IS NOT NULL AND state IN ('scheduled','ready','running')"),
    )
    op.create_index(
        "uq_jobs_serial_key_running",
        "jobs",
        ["serial_key"],
        unique=True,
        sqlite_where=sa.text("serial_key IS NOT NULL AND state = 'running'"),
        postgresql_where=sa.text("serial_key IS NOT NULL AND state = 'running'"),
    )
    op.create_index(
        "uq_jobs_unique_key_live",
        "jobs",
        ["unique_key"],
        unique=True,
        sqlite_where=sa.text("unique_key IS NOT NULL AND state IN ('scheduled','ready','running')"),
        postgresql_where=sa.text("unique_key IS NOT NULL AND state IN ('scheduled','ready','running')"),
    )


def _nothing() -> None:
    """SQLite: the rowid is the order in which jobs were accepted."""


def _jobs_on_postgresql() -> None:
    op.execute("ALTER TABLE jobs ADD COLUMN accepted BIGINT GENERATED ALWAYS AS IDENTITY")


def _jobs_on_mysql() -> None:
    """There are no partial indexes: what must be unique among some rows only is null in the others.

    Every index begins with what its query names exactly: InnoDB locks all that is scanned.
    """
    op.execute(
        "ALTER TABLE jobs "
        "ADD COLUMN accepted BIGINT NOT NULL AUTO_INCREMENT, ADD UNIQUE INDEX uq_jobs_accepted (accepted), "
        "ADD COLUMN unique_live VARCHAR(128) GENERATED ALWAYS AS "
        "(CASE WHEN state IN ('scheduled','ready','running') THEN unique_key END) STORED, "
        "ADD UNIQUE INDEX uq_jobs_unique_live (unique_live), "
        "ADD COLUMN serial_running VARCHAR(128) GENERATED ALWAYS AS "
        "(CASE WHEN state = 'running' THEN serial_key END) STORED, "
        "ADD UNIQUE INDEX uq_jobs_serial_running (serial_running), "
        "ADD INDEX ix_jobs_ready (state, priority, run_at, id), "
        "ADD INDEX ix_jobs_due (state, run_at), "
        "ADD INDEX ix_jobs_owner (worker_id, state), "
        "ADD INDEX ix_jobs_serial_key (serial_key, state, accepted)"
    )


_IN_OTHER_WORDS = {"mysql": _jobs_on_mysql, "postgresql": _jobs_on_postgresql}


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _schedule_fires() -> None:
    op.create_table(
        "schedule_fires",
        sa.Column("schedule_id", sa.String(length=64), nullable=False),
        sa.Column("slot_at", UtcDateTime(), nullable=False),
        sa.Column("job_id", sa.String(length=96), nullable=True),
        sa.PrimaryKeyConstraint("schedule_id", "slot_at", name="pk_schedule_fires"),
        sqlite_with_rowid=False,
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("cron", sa.String(length=128), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("misfire", sa.String(length=16), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("next_run_at", UtcDateTime(), nullable=True),
        sa.Column("last_run_at", UtcDateTime(), nullable=True),
        sa.Column("last_job_id", sa.String(length=96), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("name", name="uq_schedules_name"),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
