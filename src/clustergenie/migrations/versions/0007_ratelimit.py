"""Keep the rules of the limiter."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "limiter_rules",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("refill_rate", sa.Float(precision=53), nullable=False),
        sa.Column("on_error", sa.String(length=8), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "scope", name="pk_limiter_rules"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "limiter_version",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_limiter_version"),
    )


def downgrade() -> None:
    """Drop them; what they hold is lost, and the limits of the settings hold again."""
    op.drop_table("limiter_version")
    op.drop_table("limiter_rules")
