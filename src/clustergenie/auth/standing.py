"""Find out what somebody may do who is not asking now: schedules and late jobs do no more than their creators may."""

from typing import Any

from sqlalchemy import select

from clustergenie.auth.keyring import as_stored, grants_from, subject_of
from clustergenie.auth.principal import Actor, Grant, Principal, acting
from clustergenie.auth.scope import NotAllowed
from clustergenie.auth.tables import keys
from clustergenie.platform.db import Tx
from clustergenie.platform.telemetry import trace_id

_KEY = subject_of("")


def owner_columns() -> dict[str, Any]:
    """What to keep of who acts now, so that something can act for them later."""
    actor = acting()
    if actor is None:
        return {"created_by": None, "acts_with": None}
    return {"created_by": actor.principal.subject, "acts_with": as_stored(actor.principal.grants)}


def standing(tx: Tx, subject: str, stored: Any) -> tuple[Grant, ...]:
    """What `subject` may do now: a key what the key may, nothing once it has ended; others what was stored then."""
    if not subject.startswith(_KEY):
        return grants_from(stored or [])
    row = tx.execute(select(keys).where(keys.c.id == subject.removeprefix(_KEY))).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= tx.now):
        return ()
    return grants_from(row.grants)


def owner(tx: Tx, row: Any) -> Actor | None:
    """Who acts when a row with `owner_columns` does; None for what the control plane does by itself.

    Raises NotAllowed where its creator may do nothing any more.
    """
    if row.created_by is None:
        return None
    grants = standing(tx, row.created_by, row.acts_with)
    if not grants:
        raise NotAllowed(f"{row.created_by}, who made it, was revoked or has expired; let somebody else save it.")
    principal = Principal(subject=row.created_by, name=row.created_by, kind="key", grants=grants)
    return Actor(principal, "", "", trace_id(), "operator")


def lost_standing(tx: Tx, subject: str, cluster_id: str | None) -> bool:
    """Whether it is known that `subject` could not ask today for what they asked for on that cluster."""
    if not subject.startswith(_KEY):
        return False
    return not any(grant.covers("operator", cluster_id) for grant in standing(tx, subject, None))
