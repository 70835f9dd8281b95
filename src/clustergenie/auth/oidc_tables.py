"""Where the settings of the login with another issuer's accounts are kept; the client secret is sealed."""

from sqlalchemy import Column, SmallInteger, String, Table, Text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

# One row, or none.
oidc = Table(
    "auth_oidc",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("issuer", String(512), nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("client_secret", Text),
    Column("name", String(100), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("groups_claim", String(255), nullable=False),
    Column("group_grants", Json, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(255), nullable=False),
)
