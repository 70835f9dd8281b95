"""Keep what the login with another issuer's accounts is set to; a change ends the logins that were made by it."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import delete, insert, select, update

from clustergenie.auth.audit import audit
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.oidc_models import GroupGrants, OidcSpec, Setup
from clustergenie.auth.oidc_tables import oidc
from clustergenie.auth.principal import acting
from clustergenie.auth.tables import sessions
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import CannotStart

PURPOSE = "OIDC client secret"


def from_environment(settings: Settings) -> Setup | None:
    """What the environment sets; None where it sets nothing. Raises CannotStart."""
    if not settings.oidc_issuer:
        return None
    try:
        groups = msgspec.json.decode(settings.oidc_groups or "[]", type=list[GroupGrants])
        spec = msgspec.convert(
            {
                "issuer": settings.oidc_issuer,
                "client_id": settings.oidc_client_id,
                "groups": msgspec.to_builtins(groups),
                "name": settings.oidc_name,
                "scopes": settings.oidc_scopes.split(),
                "groups_claim": settings.oidc_groups_claim,
            },
            OidcSpec,
        )
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise CannotStart(f"CLUSTERGENIE_OIDC_ISSUER is set, but the rest does not fit it: {error}.") from error
    return _setup(spec, plain=settings.oidc_client_secret or None, source="environment")


def _setup(spec: OidcSpec, **more: Any) -> Setup:
    return Setup(
        issuer=spec.issuer,
        client_id=spec.client_id,
        name=spec.name,
        scopes=tuple(dict.fromkeys(["openid", *spec.scopes])),
        groups_claim=spec.groups_claim,
        groups=tuple(spec.groups),
        **more,
    )


def find(tx: Tx) -> Setup | None:
    """What is stored; None where nothing is."""
    row = tx.execute(select(oidc)).one_or_none()
    if row is None:
        return None
    return Setup(
        issuer=row.issuer,
        client_id=row.client_id,
        name=row.name,
        scopes=tuple(row.scopes),
        groups_claim=row.groups_claim,
        groups=tuple(msgspec.convert(row.group_grants, list[GroupGrants])),
        sealed=row.client_secret,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def store(tx: Tx, keyring: Keyring, spec: OidcSpec, seal: Callable[[str], str]) -> Setup:
    """Take these settings from now on; `seal` makes a secret fit to be stored."""
    before = find(tx)
    actor = acting()
    if spec.client_secret is UNSET:
        # A secret is for one issuer: it must not go to whoever is named in its place.
        same = before is not None and (before.issuer, before.client_id) == (spec.issuer, spec.client_id)
        sealed = before.sealed if before is not None and same else None
    else:
        sealed = None if spec.client_secret is None else seal(str(spec.client_secret))
    values = {
        "issuer": spec.issuer,
        "client_id": spec.client_id,
        "client_secret": sealed,
        "name": spec.name,
        "scopes": list(_setup(spec).scopes),
        "groups_claim": spec.groups_claim,
        "group_grants": msgspec.to_builtins(spec.groups),
        "updated_at": tx.now,
        "updated_by": "system" if actor is None else actor.principal.subject,
    }
    if not tx.execute(update(oidc).values(**values)).rowcount:
        tx.execute(insert(oidc).values(id=1, **values))
    audit(tx, "oidc.set", spec.issuer, before=_told(before) if before else {}, after=_told(_setup(spec, sealed=sealed)))
    _end_sessions(tx, keyring)
    found = find(tx)
    assert found is not None
    return found


def remove(tx: Tx, keyring: Keyring) -> bool:
    """Forget the settings; whether there were any."""
    before = find(tx)
    if before is None:
        return False
    tx.execute(delete(oidc))
    audit(tx, "oidc.remove", before.issuer, before=_told(before))
    _end_sessions(tx, keyring)
    return True


def _end_sessions(tx: Tx, keyring: Keyring) -> None:
    tx.execute(delete(sessions).where(sessions.c.kind == "oidc"))
    keyring.changed(tx)


def _told(setup: Setup) -> dict[str, Any]:
    names = ("issuer", "client_id", "name", "scopes", "groups_claim", "groups")
    return {**{name: msgspec.to_builtins(getattr(setup, name)) for name in names}, "has_secret": bool(setup.sealed)}


def reseal(tx: Tx, again: Callable[[str, str], str]) -> int:
    """Seal the stored secret anew; `again` gets it with its purpose. How many there were."""
    row = tx.execute(select(oidc.c.client_secret)).one_or_none()
    if row is None or row.client_secret is None:
        return 0
    tx.execute(update(oidc).values(client_secret=again(row.client_secret, PURPOSE)))
    return 1
