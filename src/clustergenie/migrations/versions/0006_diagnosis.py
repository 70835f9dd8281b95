"""Keep diagnoses with their findings."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "diagnoses",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=96), nullable=True),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("took_ms", sa.Float(53), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("insights", Json(), nullable=False),
        sa.Column("recommendations", Json(), nullable=False),
        sa.Column("findings", Json(), nullable=False),
        sa.Column("evidence", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_diagnoses"),
    )
    op.create_index("ix_diagnoses_cluster", "diagnoses", ["cluster_id", "created_at"], unique=False)
    op.create_index("ix_diagnoses_created", "diagnoses", ["created_at", "id"], unique=False)


def downgrade() -> None:
    """Drop it; what it holds is lost."""
    op.drop_table("diagnoses")
