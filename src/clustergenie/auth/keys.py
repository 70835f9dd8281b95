"""Make, change, replace and revoke API keys; a secret leaves here once, and only its hash stays."""

import datetime as dt
from typing import Any, get_args

from msgspec import UNSET
from sqlalchemy import ColumnElement, delete, func, insert, select, update

from clustergenie.auth import credentials
from clustergenie.auth.audit import audit
from clustergenie.auth.keyring import Keyring, as_stored, grants_from
from clustergenie.auth.models import (
    Key,
    KeyChange,
    KeyNotFound,
    KeyRevoked,
    KeySpec,
    LastAdminKey,
    Status,
    TooManyKeys,
    shown,
)
from clustergenie.auth.principal import Grant, acting
from clustergenie.auth.tables import keys, sessions
from clustergenie.platform import ids
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import invalid
from clustergenie.platform.http import Page, Paging, fetch_page

MOST_KEYS = 10_000
STATUSES = get_args(Status)

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: keys.c[name] for name in ("created_at", "name", "last_used_at", "expires_at", "id")
}


def create(tx: Tx, keyring: Keyring, spec: KeySpec) -> tuple[Key, str]:
    """A new key and its secret. Raises Invalid, TooManyKeys."""
    _check_expiry(tx, spec.expires_at)
    there = tx.execute(select(func.count()).select_from(keys).where(keys.c.revoked_at.is_(None))).scalar_one()
    if there >= MOST_KEYS:
        raise TooManyKeys(f"There are {MOST_KEYS} API keys already; revoke one first.")
    text = credentials.new_key()
    key_id = f"key-{ids.sortable(tx.now)}"
    row = {
        "id": key_id,
        "prefix": text.prefix,
        "secret_hash": credentials.digest(text.secret),
        "name": spec.name,
        "grants": as_stored(tuple(grant.grant() for grant in spec.grants)),
        "created_by": _by(),
        "created_at": tx.now,
        "updated_at": tx.now,
        "expires_at": spec.expires_at,
    }
    tx.execute(insert(keys), row)
    keyring.changed(tx)
    made = get(tx, key_id)
    audit(tx, "key.create", key_id, after=made)
    return made, str(text)


def change(tx: Tx, keyring: Keyring, key_id: str, wanted: KeyChange) -> Key:
    """Another name, other grants, another end. Raises KeyNotFound, KeyRevoked, LastAdminKey, Invalid."""
    row = _live(tx, key_id)
    before = get(tx, key_id)
    values: dict[str, Any] = {}
    if wanted.name is not UNSET:
        values["name"] = wanted.name
    if wanted.grants is not UNSET:
        values["grants"] = as_stored(tuple(grant.grant() for grant in wanted.grants))
    if wanted.expires_at is not UNSET:
        _check_expiry(tx, wanted.expires_at)
        values["expires_at"] = wanted.expires_at
    if values:
        tx.execute(update(keys).where(keys.c.id == key_id).values(**values, updated_at=tx.now))
        _somebody_can_manage(tx, row)
        keyring.changed(tx)
        audit(tx, "key.update", key_id, before=before, after=get(tx, key_id))
    return get(tx, key_id)


def rotate(tx: Tx, keyring: Keyring, key_id: str) -> tuple[Key, str]:
    """A new secret for a key; the one before is worth nothing from now on, and neither are its sessions."""
    row = _live(tx, key_id)
    text = credentials.KeyText(row.prefix, credentials.new_key().secret)
    changes = {"secret_hash": credentials.digest(text.secret), "rotated_at": tx.now, "updated_at": tx.now}
    tx.execute(update(keys).where(keys.c.id == key_id).values(**changes))
    tx.execute(delete(sessions).where(sessions.c.key_id == key_id))
    keyring.changed(tx)
    audit(tx, "key.rotate", key_id, after={"name": row.name})
    return get(tx, key_id), str(text)


def revoke(tx: Tx, keyring: Keyring, key_id: str) -> Key:
    """End a key and its sessions, for good. Raises KeyNotFound, KeyRevoked, LastAdminKey."""
    row = _live(tx, key_id)
    tx.execute(update(keys).where(keys.c.id == key_id).values(revoked_at=tx.now, updated_at=tx.now))
    tx.execute(delete(sessions).where(sessions.c.key_id == key_id))
    _somebody_can_manage(tx, row)
    keyring.changed(tx)
    revoked = get(tx, key_id)
    audit(tx, "key.revoke", key_id, before=revoked)
    return revoked


def get(tx: Tx, key_id: str) -> Key:
    """Raises KeyNotFound."""
    return _shown(_row(tx, key_id), tx.now)


def page(tx: Tx, paging: Paging, status: str | None = None) -> Page[Key]:
    """One page of keys, newest first unless asked otherwise; revoked ones only when asked for. Raises Invalid."""
    query = select(keys)
    if status is None:
        query = query.where(keys.c.revoked_at.is_(None))
    elif status == "revoked":
        query = query.where(keys.c.revoked_at.is_not(None))
    elif status in STATUSES:
        ended = keys.c.expires_at <= tx.now
        query = query.where(keys.c.revoked_at.is_(None), ended if status == "expired" else func.coalesce(~ended, True))
    else:
        raise invalid("?status", f"must be one of {', '.join(STATUSES)}")
    rows, total, following = fetch_page(tx, query, paging, SORTABLE, keys.c.id)
    return Page([_shown(row, tx.now) for row in rows], paging.page, paging.page_size, total, following)


def prune(tx: Tx, before: dt.datetime, limit: int = 1_000) -> int:
    """Forget keys that were revoked before; how many. Call again until it is 0."""
    old = list(tx.execute(select(keys.c.id).where(keys.c.revoked_at < before).limit(limit)).scalars())
    tx.execute(delete(keys).where(keys.c.id.in_(old)))
    return len(old)


def _row(tx: Tx, key_id: str, *, held: bool = False) -> Any:
    query = select(keys).where(keys.c.id == key_id)
    row = tx.execute(query.with_for_update() if held else query).one_or_none()
    if row is None:
        raise KeyNotFound(f"There is no API key {key_id!r}; GET /api/v1/auth/keys lists them.")
    return row


def _live(tx: Tx, key_id: str) -> Any:
    row = _row(tx, key_id, held=True)
    if row.revoked_at is not None:
        raise KeyRevoked(f"{key_id} was revoked; make a new key instead.")
    return row


def _somebody_can_manage(tx: Tx, was: Any) -> None:
    """Raises LastAdminKey where keys are left, but none in force that is admin of everything.

    None at all is the beginning: then a setup link lets somebody in. Who came by another login can come again.
    """
    actor = acting()
    if Grant("admin") not in grants_from(was.grants) or (actor is not None and actor.principal.kind == "oidc"):
        return
    left = tx.execute(select(keys).where(keys.c.revoked_at.is_(None))).fetchall()
    able = [row for row in left if row.expires_at is None or row.expires_at > tx.now]
    if left and not any(Grant("admin") in grants_from(row.grants) for row in able):
        raise LastAdminKey(f"{was.id} is the last key that is admin of all clusters; make another one first.")


def _check_expiry(tx: Tx, moment: dt.datetime | None) -> None:
    if moment is not None and moment <= tx.now:
        raise invalid("/expires_at", "has passed already; leave it out for a key that does not expire")


def _by() -> str:
    actor = acting()
    return "system" if actor is None else actor.principal.subject


def _shown(row: Any, now: dt.datetime) -> Key:
    values = {name: getattr(row, name) for name in Key.__struct_fields__ if name not in ("grants", "status")}
    ended = row.expires_at is not None and row.expires_at <= now
    status: Status = "revoked" if row.revoked_at is not None else "expired" if ended else "active"
    return Key(grants=shown(grants_from(row.grants)), status=status, **values)
