"""Count jobs by status, and find the last runs of a type, without reading them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ENDED = sa.text("state IN ('completed','failed','dead','cancelled')")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_jobs_ended",
        "jobs",
        ["state", "type", "completed_at"],
        unique=False,
        sqlite_where=ENDED,
        postgresql_where=ENDED,
    )


def downgrade() -> None:
    """Drop it; nothing is lost."""
    op.drop_index("ix_jobs_ended", table_name="jobs")
