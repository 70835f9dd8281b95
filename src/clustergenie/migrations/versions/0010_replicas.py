"""Let several processes share a database: say more of each worker, and notice that their secret keys differ."""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WORKERS = ("role", "version", "url", "seen_at", "busy", "waiting")

_LEASES = sa.table(
    "leases",
    sa.column("name", sa.String()),
    sa.column("holder", sa.String()),
    sa.column("term", sa.BigInteger()),
    sa.column("expires_at", UtcDateTime()),
)


def upgrade() -> None:
    """Add the columns."""
    for column in (
        sa.Column("role", sa.String(length=16), nullable=False, server_default="all"),
        sa.Column("version", sa.String(length=64)),
        sa.Column("url", sa.String(length=255)),
        sa.Column("seen_at", UtcDateTime()),
        sa.Column("busy", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("waiting", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("workers", column)
    op.add_column("installation", sa.Column("key_fingerprint", sa.String(length=64)))
    # A row that is there from the beginning, for whoever does what is done once in an installation's life to hold.
    if op.get_bind().execute(sa.select(_LEASES.c.name).where(_LEASES.c.name == "first-things")).first() is not None:
        return  # kept by a downgrade: it does no harm
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    op.bulk_insert(_LEASES, [{"name": "first-things", "holder": "", "term": 0, "expires_at": long_ago}])


def downgrade() -> None:
    """Drop them; the row among the leases stays."""
    op.drop_column("installation", "key_fingerprint")
    for name in WORKERS:
        op.drop_column("workers", name)
