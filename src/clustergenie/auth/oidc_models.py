"""What the login with another issuer's accounts is set to, and the ways in which it refuses."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clustergenie.auth.models import Grants, GrantShown, Name
from clustergenie.platform.errors import Conflict, Forbidden, NotFound, Unauthenticated

Text = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$(?!\n)")]
Url = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^https?://[\x21-\x7e]+$(?!\n)")]
Source = Literal["environment", "settings"]


class OidcOff(NotFound):
    """No login with another issuer's accounts is set up."""


class OidcRefused(Unauthenticated):
    """The login at the other side did not succeed."""


class OidcNoRole(Forbidden):
    """The login succeeded, but gives no role here."""


class OidcFixed(Conflict):
    """The login is set up by the server's environment."""


class GroupGrants(msgspec.Struct, forbid_unknown_fields=True):
    """What the members of a group may do here."""

    group: Annotated[str, Meta(min_length=1, max_length=255)]
    grants: Grants


class OidcSpec(msgspec.Struct, forbid_unknown_fields=True):
    """Which issuer, who we are there, and what its groups may do here."""

    issuer: Url
    client_id: Text
    groups: Annotated[list[GroupGrants], Meta(max_length=500)]
    name: Name = "single sign-on"
    client_secret: Annotated[str, Meta(min_length=1, max_length=1024)] | UnsetType | None = UNSET
    """Left out, the one that is stored stays; null takes it away."""
    scopes: Annotated[list[Text], Meta(max_length=20)] = msgspec.field(
        default_factory=lambda: ["openid", "profile", "email"]
    )
    groups_claim: Text = "groups"


class GroupShown(msgspec.Struct):
    """What the members of a group may do here."""

    group: str
    grants: list[GrantShown]


class OidcShown(msgspec.Struct, kw_only=True):
    """The settings without the secret; `redirect_uri` is what the issuer has to be told."""

    issuer: str
    client_id: str
    has_secret: bool
    name: str
    scopes: list[str]
    groups_claim: str
    groups: list[GroupShown]
    source: Source
    redirect_uri: str
    updated_at: dt.datetime | None
    updated_by: str | None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force; the secret is still sealed, or comes from the environment."""

    issuer: str
    client_id: str
    name: str
    scopes: tuple[str, ...]
    groups_claim: str
    groups: tuple[GroupGrants, ...]
    sealed: str | None = None
    plain: str | None = None
    source: Source = "settings"
    updated_at: dt.datetime | None = None
    updated_by: str | None = None
