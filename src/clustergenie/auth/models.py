"""What keys, sessions and those behind them look like from outside."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clustergenie.auth.principal import Grant, Kind, Principal, Role
from clustergenie.platform.errors import Conflict, NotFound, Unauthenticated, Unavailable

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
ClusterId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._\-]+$(?!\n)")]
Secret = Annotated[str, Meta(min_length=1, max_length=256)]
Status = Literal["active", "expired", "revoked"]
Moment = Annotated[dt.datetime, Meta(tz=True)]


class KeyNotFound(NotFound):
    """There is no API key with this id."""


class KeyRevoked(Conflict):
    """The API key was revoked, and stays so."""


class LastAdminKey(Conflict):
    """No other key could manage access."""


class TooManyKeys(Unavailable):
    """There are too many API keys."""


class SessionNotFound(NotFound):
    """There is no session with this id."""


class LoginRefused(Unauthenticated):
    """The API key was not accepted."""


class SetupRefused(Unauthenticated):
    """The setup link was not accepted."""


class GrantSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A role, on all clusters (null) or on those named."""

    role: Role
    clusters: Annotated[list[ClusterId], Meta(min_length=1, max_length=500)] | None = None

    def grant(self) -> Grant:
        """As it is checked."""
        return Grant(self.role, None if self.clusters is None else frozenset(self.clusters))


Grants = Annotated[list[GrantSpec], Meta(min_length=1, max_length=50)]


class KeySpec(msgspec.Struct, forbid_unknown_fields=True):
    """A key that is wanted."""

    name: Name
    grants: Grants
    expires_at: Moment | None = None


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different about a key; what is left out stays."""

    name: Name | UnsetType = UNSET
    grants: Grants | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET


class GrantShown(msgspec.Struct):
    """A role, on all clusters (null) or on those named."""

    role: Role
    clusters: list[str] | None


def shown(grants: tuple[Grant, ...]) -> list[GrantShown]:
    """Grants as they are shown."""
    return [GrantShown(grant.role, None if grant.clusters is None else sorted(grant.clusters)) for grant in grants]


class Key(msgspec.Struct, kw_only=True):
    """An API key as it is shown: everything but its secret. `last_used_at` may be some seconds behind."""

    id: str
    name: str
    prefix: str
    grants: list[GrantShown]
    status: Status
    created_by: str
    created_at: dt.datetime
    updated_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    rotated_at: dt.datetime | None
    revoked_at: dt.datetime | None


class Session(msgspec.Struct, kw_only=True):
    """A browser that is logged in; `current` is the one that asks."""

    id: str
    kind: Kind
    subject: str
    name: str
    key_id: str | None
    address: str
    user_agent: str
    created_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
    current: bool


class Who(msgspec.Struct):
    """Somebody who has proved who they are, and what they may do."""

    subject: str
    name: str
    kind: Kind
    grants: list[GrantShown]

    @classmethod
    def of(cls, principal: Principal) -> "Who":
        """That principal as it is shown."""
        return cls(principal.subject, principal.name, principal.kind, shown(principal.grants))


class Oidc(msgspec.Struct):
    """Whether there is a login with somebody else's accounts, and what its button says."""

    enabled: bool = False
    name: str = ""


class Me(msgspec.Struct, kw_only=True):
    """Who asks; `csrf_token` goes into X-CSRF-Token of everything a browser's session changes."""

    principal: Who | None
    expires_at: dt.datetime | None
    csrf_token: str | None
    setup_needed: bool
    oidc: Oidc
    loopback: bool
