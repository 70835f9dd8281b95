"""Keep events that have no place in the log yet, and how far the log is numbered: for databases with many writers."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; the log goes on from where it is."""
    op.create_table(
        "event_outbox",
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
        sa.PrimaryKeyConstraint("id", name="pk_event_outbox"),
    )
    op.create_table(
        "event_counter",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_counter"),
    )
    op.execute("INSERT INTO event_counter (id, position) SELECT 1, coalesce(max(id), 0) FROM events")


def downgrade() -> None:
    """Drop them; events that have no place in the log yet are lost."""
    op.drop_table("event_counter")
    op.drop_table("event_outbox")
