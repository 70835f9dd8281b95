"""Keep the audit trail, and let the database itself refuse to change it."""

import logging

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

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
_MYSQL = {
    "audit_log_stays": """BEFORE UPDATE ON audit_log FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'The audit trail cannot be changed.'""",
    "audit_log_is_kept": """BEFORE DELETE ON audit_log FOR EACH ROW
    IF OLD.at >= (SELECT coalesce(max(keep_from), '1000-01-01') FROM audit_floor) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'The audit trail is kept until its time is over.'; END IF""",
    "audit_floor_is_old": """BEFORE INSERT ON audit_floor FOR EACH ROW
    IF NEW.keep_from > UTC_TIMESTAMP(6) - INTERVAL 1 DAY THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'The last day of the audit trail is always kept.'; END IF""",
    "audit_floor_stays_old": """BEFORE UPDATE ON audit_floor FOR EACH ROW
    IF NEW.keep_from > UTC_TIMESTAMP(6) - INTERVAL 1 DAY THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'The last day of the audit trail is always kept.'; END IF""",
}
_POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$""",
    """CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
    IF OLD.at >= (SELECT coalesce(max(keep_from), '-infinity') FROM audit_floor) THEN
    RAISE EXCEPTION 'The audit trail is kept until its time is over.'; END IF;
    RETURN OLD; END $$""",
    """CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log FOR EACH ROW
    EXECUTE FUNCTION audit_refuse('The audit trail cannot be changed.')""",
    "CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_keep()",
    """CREATE TRIGGER audit_floor_is_old BEFORE INSERT OR UPDATE ON audit_floor FOR EACH ROW
    WHEN (NEW.keep_from > now() - INTERVAL '1 day')
    EXECUTE FUNCTION audit_refuse('The last day of the audit trail is always kept.')""",
)
_MAY_NOT = (1419, 1227)
"""MySQL's errors when its binary log is on and the account may make no triggers: its rights are what is left then."""


def _guard() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "mysql":
        _guard_on_mysql()
        return
    for statement in _SQLITE if dialect == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _guard_on_mysql() -> None:
    for name, words in _MYSQL.items():
        op.execute(f"DROP TRIGGER IF EXISTS {name}")  # of a migration that was cut short
        try:
            op.execute(f"CREATE TRIGGER {name} {words}")
        except sa.exc.DBAPIError as error:
            if error.orig is None or error.orig.args[0] not in _MAY_NOT:
                raise
            logging.getLogger(__name__).warning(
                "The audit trail is not guarded by the database: our account there may make no triggers."
            )
            return


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
    _guard()


def downgrade() -> None:
    """Drop them; the audit trail is lost, and the triggers go with their tables."""
    op.drop_table("audit_floor")
    op.drop_index("ix_audit_log_target", table_name="audit_log")
    op.drop_index("ix_audit_log_actor", table_name="audit_log")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_keep()")
        op.execute("DROP FUNCTION audit_refuse()")
