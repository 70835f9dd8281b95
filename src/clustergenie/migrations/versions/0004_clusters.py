"""Keep clusters with what is wanted of them."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _clusters()


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("clusters")


def _clusters() -> None:
    op.create_table(
        "clusters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("live_name", sa.String(length=255), nullable=True),
        sa.Column("region", sa.String(length=64), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("size", sa.String(length=64), nullable=True),
        sa.Column("image", sa.String(length=128), nullable=True),
        sa.Column("checks", Json(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("health", sa.Text(), nullable=False),
        sa.Column("wanted_size", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("next_ordinal", sa.Integer(), nullable=False),
        sa.Column("heal_failures", sa.Integer(), nullable=False),
        sa.Column("heal_after", UtcDateTime(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_checked", UtcDateTime(), nullable=True),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clusters"),
        sa.UniqueConstraint("live_name", name="uq_clusters_live_name"),
    )
    op.create_index("ix_clusters_created", "clusters", ["created_at", "id"], unique=False)
    op.create_index("ix_clusters_status", "clusters", ["status"], unique=False)
