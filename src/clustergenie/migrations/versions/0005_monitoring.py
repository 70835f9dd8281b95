"""Keep measurements, the last answers to probes, and counted memory kills."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _metrics()
    _probes()
    _oom_marks()


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("oom_marks")
    op.drop_table("probes")
    op.drop_table("metrics")


def _metrics() -> None:
    op.create_table(
        "metrics",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=True),
        sa.Column("droplet_id", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metrics"),
    )
    whole, single = sa.text("droplet_id IS NULL"), sa.text("droplet_id IS NOT NULL")
    op.create_index("ix_metrics_cluster", "metrics", ["cluster_id", "type", "timestamp"], unique=False)
    mysql = op.get_context().dialect.name == "mysql"  # it has no partial indexes
    op.create_index(
        "ix_metrics_whole",
        "metrics",
        ["cluster_id", "droplet_id", "type", "timestamp"] if mysql else ["cluster_id", "type", "timestamp"],
        unique=False,
        sqlite_where=whole,
        postgresql_where=whole,
    )
    op.create_index(
        "ix_metrics_droplet",
        "metrics",
        ["droplet_id", "type", "timestamp"],
        unique=False,
        sqlite_where=single,
        postgresql_where=single,
    )
    op.create_index("ix_metrics_timestamp", "metrics", ["timestamp"], unique=False)


def _probes() -> None:
    op.create_table(
        "probes",
        sa.Column("droplet_id", sa.String(length=64), nullable=False),
        sa.Column("check_name", sa.String(length=255), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Float(53), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("droplet_id", "check_name", name="pk_probes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_probes_cluster_id", "probes", ["cluster_id"], unique=False)


def _oom_marks() -> None:
    op.create_table(
        "oom_marks",
        sa.Column("droplet_id", sa.String(length=64), nullable=False),
        sa.Column("oom_kills", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("droplet_id", name="pk_oom_marks"),
        sqlite_with_rowid=False,
    )
