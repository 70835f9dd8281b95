"""Note who asked for a job, whose cluster a schedule is about, and with what grants it acts."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

schedules = sa.table(
    "schedules", sa.column("id", sa.String()), sa.column("parameters", Json()), sa.column("cluster_id", sa.String())
)


def upgrade() -> None:
    """Add the columns; of what is there already nobody knows who asked for it."""
    op.add_column("jobs", sa.Column("created_by", sa.String(length=255), nullable=True))
    op.add_column("schedules", sa.Column("cluster_id", sa.String(length=64), nullable=True))
    op.add_column("schedules", sa.Column("created_by", sa.String(length=255), nullable=True))
    op.add_column("schedules", sa.Column("acts_with", Json(), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(schedules.c.id, schedules.c.parameters)).fetchall():
        cluster_id = (row.parameters or {}).get("cluster_id")
        if isinstance(cluster_id, str) and len(cluster_id) <= 64:
            connection.execute(sa.update(schedules).where(schedules.c.id == row.id).values(cluster_id=cluster_id))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("schedules", "acts_with")
    op.drop_column("schedules", "created_by")
    op.drop_column("schedules", "cluster_id")
    op.drop_column("jobs", "created_by")
