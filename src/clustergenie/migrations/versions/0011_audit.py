"""Keep the audit trail, and let the database itself refuse to change it."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Other databases keep the same rows; there the rights of the account say who may change them (docs/SECURITY.md).
_SQLITE = (
    """CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'The audit trail cannot be changed.'); END""",
    """CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log
    WHEN OLD.at >= coalesce((SELECT max(keep_from) FROM audit_floor), 0)
    BEGIN SELECT RAISE(ABORT, 'The audit trail is kept until its time is over.'); END""",
    # Retention is a matter of days: nobody makes room for a deletion of what has just happened.
    """CREATE TRIGGER audit_floor_is_old BEFORE INSERT ON audit_floor
    WHEN NEW.keep_from > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000
    BEGIN SELECT RAISE(ABORT, 'The last day of the audit trail is always kept.'); END""",
    """CREATE TRIGGER audit_floor_stays_old BEFORE UPDATE ON audit_floor
    WHEN NEW.keep_from > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000
    BEGIN SELECT RAISE(ABORT, 'The last day of the audit trail is always kept.'); END""",
)


def upgrade() -> None:
    """Make the tables and what guards them."""
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("actor_name", sa.String(length=255), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=True),
        sa.Column("value_before", sa.Text(), nullable=True),
        sa.Column("value_after", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_actor", "audit_log", ["actor", "id"])
    op.create_index("ix_audit_log_target", "audit_log", ["target", "id"])
    op.create_table(
        "audit_floor",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("keep_from", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_floor"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)


def downgrade() -> None:
    """Drop them; the audit trail is lost, and the triggers go with their tables."""
    op.drop_table("audit_floor")
    op.drop_index("ix_audit_log_target", table_name="audit_log")
    op.drop_index("ix_audit_log_actor", table_name="audit_log")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_table("audit_log")
