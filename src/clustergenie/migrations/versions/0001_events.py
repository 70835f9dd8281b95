"""Keep events, the places of consumer groups, and dead letters."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _event_dead_letters()
    _event_inbox()
    _event_positions()
    _events()


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("events")
    op.drop_table("event_positions")
    op.drop_table("event_inbox")
    op.drop_table("event_dead_letters")


def _event_dead_letters() -> None:
    op.create_table(
        "event_dead_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("consumer_group", sa.String(length=64), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("event", Json(), nullable=False),
        sa.Column("problem", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("replayed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_event_dead_letters"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_dead_letters_replayed_at", "event_dead_letters", ["replayed_at"], unique=False)


def _event_inbox() -> None:
    op.create_table(
        "event_inbox",
        sa.Column("consumer_group", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer_group", "event_id", name="pk_event_inbox"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_inbox_log_id", "event_inbox", ["log_id"], unique=False)


def _event_positions() -> None:
    op.create_table(
        "event_positions",
        sa.Column("consumer_group", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("consumer_group", name="pk_event_positions"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(length=255), nullable=True),
        sa.Column("job_type", sa.String(length=64), nullable=True),
        sa.Column("cluster_id", sa.String(length=255), nullable=True),
        sa.Column("droplet_id", sa.String(length=255), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=True),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_events_cluster_id_id",
        "events",
        ["cluster_id", "id"],
        unique=False,
        sqlite_where=sa.text("cluster_id IS NOT NULL"),
        postgresql_where=sa.text("cluster_id IS NOT NULL"),
    )
    op.create_index(
        "ix_events_droplet_id_id",
        "events",
        ["droplet_id", "id"],
        unique=False,
        sqlite_where=sa.text("droplet_id IS NOT NULL"),
        postgresql_where=sa.text("droplet_id IS NOT NULL"),
    )
    op.create_index(
        "ix_events_job_id_id",
        "events",
        ["job_id", "id"],
        unique=False,
        sqlite_where=sa.text("job_id IS NOT NULL"),
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_index("ix_events_key_seq", "events", ["key", "seq"], unique=False)
    op.create_index(
        "ix_events_trace_id_id",
        "events",
        ["trace_id", "id"],
        unique=False,
        sqlite_where=sa.text("trace_id IS NOT NULL"),
        postgresql_where=sa.text("trace_id IS NOT NULL"),
    )
    op.create_index("ix_events_type_id", "events", ["type", "id"], unique=False)
