"""Keep droplets, their agents and what those last said."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _droplet_agents()
    _droplet_vitals()
    _droplets()
    _installation()


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("installation")
    op.drop_table("droplets")
    op.drop_table("droplet_vitals")
    op.drop_table("droplet_agents")


def _droplet_agents() -> None:
    op.create_table(
        "droplet_agents",
        sa.Column("droplet_id", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_expires_at", UtcDateTime(), nullable=False),
        sa.Column("nonce_hash", sa.String(length=64), nullable=True),
        sa.Column("enrolled_at", UtcDateTime(), nullable=True),
        sa.Column("credential_hash", sa.String(length=64), nullable=True),
        sa.Column("next_credential_hash", sa.String(length=64), nullable=True),
        sa.Column("credential_expires_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("droplet_id", name="pk_droplet_agents"),
        sqlite_with_rowid=False,
    )


def _droplet_vitals() -> None:
    op.create_table(
        "droplet_vitals",
        sa.Column("droplet_id", sa.String(length=64), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("heartbeat_seconds", sa.Float(53), nullable=False),
        sa.Column("cpu", sa.Float(53), nullable=True),
        sa.Column("memory", sa.Float(53), nullable=True),
        sa.Column("disk", sa.Float(53), nullable=True),
        sa.Column("network_in", sa.Float(53), nullable=True),
        sa.Column("network_out", sa.Float(53), nullable=True),
        sa.Column("uptime_seconds", sa.Float(53), nullable=True),
        sa.Column("agent_version", sa.String(length=32), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("detail", Json(), nullable=True),
        sa.PrimaryKeyConstraint("droplet_id", name="pk_droplet_vitals"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_droplet_vitals_last_seen_at", "droplet_vitals", ["last_seen_at"], unique=False)


def _droplets() -> None:
    op.create_table(
        "droplets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("live_name", sa.String(length=330), nullable=True),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("size", sa.String(length=64), nullable=False),
        sa.Column("image", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("machine_ref", sa.String(length=255), nullable=True),
        sa.Column("hourly_usd_micros", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(length=96), nullable=True),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("active_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_droplets"),
        sa.UniqueConstraint("live_name", name="uq_droplets_live_name"),
    )
    op.create_index("ix_droplets_cluster", "droplets", ["cluster_id", "status"], unique=False)
    op.create_index("ix_droplets_created", "droplets", ["created_at", "id"], unique=False)
    op.create_index("ix_droplets_job", "droplets", ["job_id"], unique=False)
    op.create_index(
        "ix_droplets_status",
        "droplets",
        ["status"],
        unique=False,
        sqlite_where=sa.text("status != 'deleted'"),
        postgresql_where=sa.text("status != 'deleted'"),
    )


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
