"""Remember every key and session that is in force, so that a check costs microseconds and no SQL.

What is committed here holds here at once; a change by another process is noticed by the version that every change
raises. When something was last used is noted in memory and written down now and then, all together.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from clustergenie.auth.credentials import KeyText, digest, same
from clustergenie.auth.principal import Grant, Principal
from clustergenie.auth.tables import keys, sessions, version
from clustergenie.platform.clock import Clock, now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.telemetry import log

LOOK_SECONDS = 0.4
NOTE_SECONDS = 15.0
AGAIN_SECONDS = 0.1
"""An unknown credential may be one that another process has just made; looking that up is done so often at most."""


class KeyRecord(msgspec.Struct, frozen=True):
    """A key that has not been revoked."""

    id: str
    prefix: str
    secret_hash: str
    principal: Principal
    expires_at: dt.datetime | None


class SessionRecord(msgspec.Struct):
    """A session that has not been ended."""

    id: str
    token_hash: str
    principal: Principal
    key: KeyRecord | None
    expires_at: dt.datetime
    last_seen_at: dt.datetime

    def ends_at(self) -> dt.datetime:
        """The latest it can last, however busy."""
        if self.key is None or self.key.expires_at is None:
            return self.expires_at
        return min(self.expires_at, self.key.expires_at)


def subject_of(key_id: str) -> str:
    """What a key is called as a subject."""
    return f"key:{key_id}"


def grants_from(stored: Any) -> tuple[Grant, ...]:
    """Grants as they are kept."""
    return tuple(msgspec.convert(stored, list[Grant]))


def as_stored(grants: tuple[Grant, ...]) -> list[dict[str, Any]]:
    """Grants as they are to be kept."""
    return [
        {"role": grant.role, "clusters": None if grant.clusters is None else sorted(grant.clusters)} for grant in grants
    ]


class _Content(msgspec.Struct):
    version: int
    keys: dict[str, KeyRecord]
    sessions: dict[str, SessionRecord]


class Keyring:
    """The keys and sessions of an installation, as this process knows them. `start` before use."""

    def __init__(self, db: Database, *, idle: dt.timedelta, clock: Clock = now, alone: bool | None = None) -> None:
        """`alone`: no other process changes the database; so it is where one process has it to itself."""
        self._db, self._idle, self._clock = db, idle, clock
        self._content = _Content(0, {}, {})
        self._used: dict[str, dt.datetime] = {}
        self._seen: dict[str, dt.datetime] = {}
        self._listeners: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._asked_at = float("-inf")
        self._alone = db.dialect == "sqlite" if alone is None else alone

    async def start(self) -> None:
        """Read everything, and keep up from then on."""
        with contextlib.suppress(IntegrityError):  # another process was first
            await self._db.write(_first_version)
        await self.refresh()
        self._tasks.append(asyncio.create_task(self._every(NOTE_SECONDS, self.note), name="auth last used"))
        if not self._alone:
            self._tasks.append(asyncio.create_task(self._every(LOOK_SECONDS, self.look), name="auth changes"))

    async def stop(self) -> None:
        """Stop keeping up, and write down what was used last."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(Problem):
            await self.note()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call it, on the event loop, whenever something may have been revoked."""
        self._listeners.append(listener)

    @property
    def any_key(self) -> bool:
        """Whether there is a key that was not revoked: from then on nobody gets in without a credential."""
        return bool(self._content.keys)

    # -- looking up

    async def key(self, text: KeyText) -> KeyRecord | None:
        """The key, if it is in force."""
        found = self._key(text)
        if found is None and await self._others_changed():
            found = self._key(text)
        return found

    async def session(self, text: str) -> SessionRecord | None:
        """The session, if it is in force."""
        hashed = digest(text)
        found = self._session(hashed)
        if found is None and await self._others_changed():
            found = self._session(hashed)
        return found

    def _key(self, text: KeyText) -> KeyRecord | None:
        record = self._content.keys.get(text.prefix)
        if record is None or not same(record.secret_hash, digest(text.secret)):
            return None
        moment = self._clock()
        if not self.in_force(record, moment):
            return None
        self._used[record.id] = moment
        return record

    def _session(self, hashed: str) -> SessionRecord | None:
        record = self._content.sessions.get(hashed)
        if record is None:
            return None
        moment = self._clock()
        if self._over(record, moment):
            return None
        if record.key is not None:
            self._used[record.key.id] = moment
        record.last_seen_at = self._seen[record.id] = max(record.last_seen_at, moment)
        return record

    @staticmethod
    def in_force(record: KeyRecord, moment: dt.datetime) -> bool:
        """Whether a key has not expired by then."""
        return record.expires_at is None or moment < record.expires_at

    def stands(self, key: KeyRecord | None, session: SessionRecord | None) -> bool:
        """Whether what somebody came in with is in force still, with what it could do then."""
        moment = self._clock()
        if session is not None:
            now = self._content.sessions.get(session.token_hash)
            return now is not None and now.principal == session.principal and not self._over(now, moment)
        if key is not None:
            found = self._content.keys.get(key.prefix)
            return found is not None and found.principal == key.principal and self._same_secret(found, key, moment)
        return True

    def _over(self, record: SessionRecord, moment: dt.datetime) -> bool:
        return moment >= record.ends_at() or moment >= record.last_seen_at + self._idle

    def _same_secret(self, found: KeyRecord, key: KeyRecord, moment: dt.datetime) -> bool:
        return found.secret_hash == key.secret_hash and self.in_force(found, moment)

    # -- keeping up

    async def refresh(self) -> None:
        """Read everything again."""
        self._replace(await self._db.read(_read))

    async def look(self) -> None:
        """Read everything again if somebody has changed something."""
        if await self._db.read(_version) != self._content.version:
            await self.refresh()

    def changed(self, tx: Tx) -> None:
        """To be called in every transaction that changes keys or sessions: it holds in this process when it commits."""
        tx.execute(update(version).values(version=version.c.version + 1))  # held until the commit: one after the other
        content = _read(tx)
        tx.after_commit(lambda: self._replace(content))

    def _replace(self, content: _Content) -> None:
        if content.version < self._content.version:
            return  # read before a change that is known by now
        for hashed, record in content.sessions.items():
            if (known := self._content.sessions.get(hashed)) is not None:
                record.last_seen_at = max(record.last_seen_at, known.last_seen_at)
        self._content = content
        for listener in self._listeners:
            listener()

    async def note(self) -> None:
        """Write down when keys and sessions were last used."""
        used, self._used = self._used, {}
        seen, self._seen = self._seen, {}
        if used or seen:
            await self._db.write(_note, used, seen)

    async def _others_changed(self) -> bool:
        loop = asyncio.get_running_loop()
        if self._alone or loop.time() < self._asked_at + AGAIN_SECONDS:
            return False
        self._asked_at = loop.time()
        await self.refresh()
        return True

    async def _every(self, seconds: float, act: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except Problem as problem:  # the database is busy; it will be asked again
                log().warning("keys and sessions could not be kept up with", reason=problem.detail)
            except Exception:  # noqa: BLE001 - else what others revoke would never be seen again
                log().exception("keys and sessions could not be kept up with")


_NOTE_KEY = update(keys).where(keys.c.id == bindparam("b_id")).values(last_used_at=bindparam("moment"))
_NOTE_SESSION = update(sessions).where(sessions.c.id == bindparam("b_id")).values(last_seen_at=bindparam("moment"))


def _note(tx: Tx, used: dict[str, dt.datetime], seen: dict[str, dt.datetime]) -> None:
    for statement, moments in ((_NOTE_KEY, used), (_NOTE_SESSION, seen)):
        if moments:
            tx.execute(statement, [{"b_id": ident, "moment": moment} for ident, moment in sorted(moments.items())])


def _first_version(tx: Tx) -> None:
    if tx.execute(select(version.c.version)).first() is None:
        tx.execute(insert(version).values(version=1))


def _version(tx: Tx) -> int:
    return int(tx.execute(select(version.c.version)).scalar() or 0)


def _read(tx: Tx) -> _Content:
    number = _version(tx)
    by_id: dict[str, KeyRecord] = {}
    by_prefix: dict[str, KeyRecord] = {}
    for row in tx.execute(select(keys).where(keys.c.revoked_at.is_(None))):
        principal = Principal(subject=subject_of(row.id), name=row.name, kind="key", grants=grants_from(row.grants))
        by_id[row.id] = by_prefix[row.prefix] = KeyRecord(
            row.id, row.prefix, row.secret_hash, principal, row.expires_at
        )
    by_hash: dict[str, SessionRecord] = {}
    for row in tx.execute(select(sessions).where(sessions.c.expires_at > tx.now)):
        if (record := _session_record(row, by_id)) is not None:
            by_hash[row.token_hash] = record
    return _Content(number, by_prefix, by_hash)


def _session_record(row: Any, by_id: dict[str, KeyRecord]) -> SessionRecord | None:
    key = by_id.get(row.key_id) if row.key_id is not None else None
    if row.key_id is not None and key is None:
        return None  # its key was revoked
    grants = key.principal.grants if key is not None else grants_from(row.grants)
    principal = Principal(subject=row.subject, name=row.name, kind=row.kind, grants=grants)
    return SessionRecord(row.id, row.token_hash, principal, key, row.expires_at, row.last_seen_at)
