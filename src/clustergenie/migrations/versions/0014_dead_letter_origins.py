"""Keep with a dead letter where the bus found it, and what it found there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import LONGTEXT

from clustergenie.platform.types import Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those of earlier dead letters are empty."""
    op.add_column("event_dead_letters", sa.Column("origin", sa.String(length=255)))
    op.add_column("event_dead_letters", sa.Column("raw", sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")))
    op.add_column("event_dead_letters", sa.Column("headers", Json()))
    op.create_index("ix_event_dead_letters_origin", "event_dead_letters", ["origin"])


def downgrade() -> None:
    """Drop them; dead letters that could not be read as events are lost with them."""
    op.execute("DELETE FROM event_dead_letters WHERE type = 'unreadable' OR event = '{}'")
    op.drop_index("ix_event_dead_letters_origin", "event_dead_letters")
    for name in ("headers", "raw", "origin"):
        op.drop_column("event_dead_letters", name)
