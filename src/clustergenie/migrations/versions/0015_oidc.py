"""Keep the settings of the login with another issuer's accounts."""

import sqlalchemy as sa
from alembic import op

from clustergenie.platform.types import Json, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "auth_oidc",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(length=512), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", Json(), nullable=False),
        sa.Column("groups_claim", sa.String(length=255), nullable=False),
        sa.Column("group_grants", Json(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_oidc"),
    )


def downgrade() -> None:
    """Drop it; the login has to be set up again."""
    op.drop_table("auth_oidc")
