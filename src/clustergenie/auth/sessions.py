"""Let browsers in with a cookie that names nothing, and end it: by time, by wish, or with its key."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select

from clustergenie.auth import credentials
from clustergenie.auth.audit import audit
from clustergenie.auth.keyring import Keyring, as_stored
from clustergenie.auth.models import Session, SessionNotFound
from clustergenie.auth.principal import Grant, Kind, Principal, acting
from clustergenie.auth.tables import sessions
from clustergenie.platform import ids
from clustergenie.platform.db import Tx
from clustergenie.platform.http import Page, Paging, fetch_page

OF_ONE = 20
"""Sessions that one subject may have; with one more, the oldest ends."""

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: sessions.c[name] for name in ("created_at", "last_seen_at", "expires_at", "name", "id")
}


class Visitor(NamedTuple):
    """Whom a session is for, and from where they came; with a key, it ends with the key and has its grants."""

    kind: Kind
    subject: str
    name: str
    key_id: str | None
    grants: tuple[Grant, ...]
    address: str
    user_agent: str


def begin(tx: Tx, keyring: Keyring, visitor: Visitor, lasts: dt.timedelta, before: str | None = None) -> str:
    """A new session; returns what the cookie holds.

    Its name is always a new one, and the session the browser had `before` ends: a session that somebody has planted
    is worth nothing (OWASP ASVS 3.2.1).
    """
    token = credentials.new_session()
    if before is not None:
        tx.execute(delete(sessions).where(sessions.c.token_hash == credentials.digest(before)))
    tx.execute(
        insert(sessions).values(
            id=f"session-{ids.sortable(tx.now)}",
            token_hash=credentials.digest(token),
            kind=visitor.kind,
            subject=visitor.subject,
            name=visitor.name,
            key_id=visitor.key_id,
            grants=None if visitor.key_id is not None else as_stored(visitor.grants),
            address=visitor.address[:64],
            user_agent=_printable(visitor.user_agent),
            created_at=tx.now,
            last_seen_at=tx.now,
            expires_at=tx.now + lasts,
        )
    )
    who = Principal(subject=visitor.subject, name=visitor.name, kind=visitor.kind)
    audit(tx, "login", visitor.subject, after={"by": visitor.key_id or visitor.kind}, by=who)
    _no_more_than(tx, visitor.subject, OF_ONE)
    keyring.changed(tx)
    return token


def end(tx: Tx, keyring: Keyring, token: str) -> None:
    """End the session of a cookie; one that has ended already stays so."""
    here = sessions.c.token_hash == credentials.digest(token)
    row = tx.execute(select(sessions).where(here)).one_or_none()
    if row is not None:
        who = Principal(subject=row.subject, name=row.name, kind=row.kind)
        audit(tx, "logout", row.subject, before={"session": row.id}, by=who)
    tx.execute(delete(sessions).where(here))
    keyring.changed(tx)


def revoke(tx: Tx, keyring: Keyring, session_id: str) -> Session:
    """End a session: any for who is admin of everything, else only one's own. Raises SessionNotFound."""
    row = tx.execute(_mine().where(sessions.c.id == session_id)).one_or_none()
    if row is None:
        raise SessionNotFound(f"There is no session {session_id!r}; GET /api/v1/auth/sessions lists them.")
    tx.execute(delete(sessions).where(sessions.c.id == session_id))
    keyring.changed(tx)
    ended = _shown(row, None)
    audit(tx, "session.end", session_id, before=ended)
    return ended


def page(tx: Tx, paging: Paging, current: str | None) -> Page[Session]:
    """One page of the sessions that have not ended: all for who is admin of everything, else one's own."""
    query = _mine().where(sessions.c.expires_at > tx.now)
    rows, total, following = fetch_page(tx, query, paging, SORTABLE, sessions.c.id)
    return Page([_shown(row, current) for row in rows], paging.page, paging.page_size, total, following)


def prune(tx: Tx, before: dt.datetime, limit: int = 1_000) -> int:
    """Forget sessions that ended before; how many. Call again until it is 0."""
    old: Sequence[str] = (
        tx.execute(select(sessions.c.id).where(sessions.c.expires_at < before).limit(limit)).scalars().all()
    )
    tx.execute(delete(sessions).where(sessions.c.id.in_(old)))
    return len(old)


def _mine() -> Any:
    actor = acting()
    query = select(sessions)
    if actor is None or actor.principal.may("admin"):
        return query
    return query.where(sessions.c.subject == actor.principal.subject)


def _no_more_than(tx: Tx, subject: str, most: int) -> None:
    newest = select(sessions.c.id).where(sessions.c.subject == subject).order_by(sessions.c.id.desc()).offset(most)
    surplus = list(tx.execute(newest.limit(1_000)).scalars())
    if surplus:
        tx.execute(delete(sessions).where(sessions.c.id.in_(surplus)))


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:255]


def _shown(row: Any, current: str | None) -> Session:
    values = {name: getattr(row, name) for name in Session.__struct_fields__ if name != "current"}
    return Session(current=row.id == current, **values)
