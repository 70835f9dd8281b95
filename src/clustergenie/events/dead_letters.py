"""Keep what a consumer could not take, with the reason, until someone has it tried again."""

import base64
import datetime as dt
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, func, insert, select, update

from clustergenie.events.history import EventRecord
from clustergenie.events.tables import dead_letters
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict, NotFound
from clustergenie.platform.event import Event
from clustergenie.platform.http import Paging, fetch_page

RAW_SHOWN = 2_000
"""How many bytes of what was found are shown."""


class UnknownDeadLetter(NotFound):
    """There is no such dead letter."""


class AlreadyReplayed(Conflict):
    """This dead letter has been replayed."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bus found something (topic/partition/offset), and what."""

    place: str
    raw: bytes
    headers: dict[str, str] = {}
    key: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer group could not take: `problem` is the kind of failure, `reason` its sentence.

    What came over the bus has its place there as `origin`, and its beginning as it came as `raw`; `event` is null when
    it could not be read as one.
    """

    id: int
    consumer_group: str
    type: str
    key: str
    problem: str
    reason: str
    attempts: int
    failed_at: dt.datetime
    replayed_at: dt.datetime | None
    event: EventRecord | None
    origin: str | None
    raw: str | None


class DeadLettersReply(msgspec.Struct, frozen=True, kw_only=True):
    """A page of dead letters."""

    dead_letters: list[DeadLetter]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


_SORTABLE = {"id": dead_letters.c.id, "failed_at": dead_letters.c.failed_at}


def bury(tx: Tx, group: str, event: Event, failure: Exception, attempts: int, origin: Origin | None = None) -> None:
    """Note that `group` could not take `event`."""
    about = {"log_id": event.id, "type": event.type, "key": event.key}
    _keep(tx, group, about | {"event": msgspec.to_builtins(event, enc_hook=str)}, failure, attempts, origin)


def bury_unread(tx: Tx, group: str, failure: Exception, origin: Origin) -> None:
    """Note that what was found there could not even be read as an event."""
    kind = origin.headers.get("ce_type") or "unreadable"
    about = {"log_id": 0, "type": kind[:64], "key": origin.key[:255], "event": {}}
    _keep(tx, group, about, failure, 1, origin)


def _keep(tx: Tx, group: str, about: dict[str, Any], failure: Exception, attempts: int, origin: Origin | None) -> None:
    found = (
        {}
        if origin is None
        else {
            "origin": origin.place[:255],
            "raw": base64.b64encode(origin.raw).decode(),
            "headers": origin.headers,
        }
    )
    if origin is not None and _buried(tx, group, origin.place[:255]):
        return  # met again after a crash
    row = {"consumer_group": group, "attempts": attempts, "failed_at": tx.now, **about, **_why(failure), **found}
    tx.execute(insert(dead_letters).values(row))


def _buried(tx: Tx, group: str, place: str) -> bool:
    same = (dead_letters.c.consumer_group == group, dead_letters.c.origin == place)
    return tx.execute(select(dead_letters.c.id).where(*same).limit(1)).first() is not None


class Letter(NamedTuple):
    """A dead letter as it is tried again: the event, or what could not be read as one."""

    group: str
    event: Event | None
    origin: Origin | None


def find(tx: Tx, dead_letter_id: int) -> Letter:
    """What a dead letter holds.

    Raises UnknownDeadLetter, and AlreadyReplayed when its effect has happened.
    """
    # Locked: of two that ask at the same time, the second waits and then hears that it has been replayed.
    row = tx.execute(select(dead_letters).where(dead_letters.c.id == dead_letter_id).with_for_update()).one_or_none()
    if row is None:
        raise UnknownDeadLetter(f"There is no dead letter {dead_letter_id}.")
    if row.replayed_at is not None:
        raise AlreadyReplayed(f"Dead letter {dead_letter_id} was replayed before; its effect has happened.")
    event = msgspec.convert(row.event, Event) if row.event else None
    if row.origin is None:
        return Letter(row.consumer_group, event, None)
    raw = base64.b64decode(row.raw)
    return Letter(row.consumer_group, event, Origin(place=row.origin, raw=raw, headers=row.headers or {}, key=row.key))


def mark_replayed(tx: Tx, dead_letter_id: int) -> DeadLetter:
    """Note that its effect has happened."""
    tx.execute(update(dead_letters).where(dead_letters.c.id == dead_letter_id).values(replayed_at=tx.now))
    return _letter(tx.execute(select(dead_letters).where(dead_letters.c.id == dead_letter_id)).one())


def mark_failed(tx: Tx, dead_letter_id: int, failure: Exception) -> None:
    """Note that it failed once more, and why."""
    counted = {"attempts": dead_letters.c.attempts + 1, "failed_at": tx.now, **_why(failure)}
    tx.execute(update(dead_letters).where(dead_letters.c.id == dead_letter_id).values(counted))


def page(tx: Tx, paging: Paging) -> DeadLettersReply:
    """One page of dead letters, the last one first."""
    rows, total, following = fetch_page(tx, select(dead_letters), paging, _SORTABLE, dead_letters.c.id)
    return DeadLettersReply(
        dead_letters=[_letter(row) for row in rows],
        page=paging.page,
        page_size=paging.page_size,
        total=total,
        next_cursor=following,
    )


def count_waiting(tx: Tx) -> dict[str, int]:
    """How many dead letters of each group were not replayed."""
    query = select(dead_letters.c.consumer_group, func.count().label("waiting"))
    query = query.where(dead_letters.c.replayed_at.is_(None)).group_by(dead_letters.c.consumer_group)
    return {row.consumer_group: row.waiting for row in tx.execute(query)}


def _why(failure: Exception) -> dict[str, str]:
    return {"problem": type(failure).__name__[:255], "reason": str(failure) or type(failure).__name__}


def _letter(row: Row[Any]) -> DeadLetter:
    found = {name: row._mapping[name] for name in DeadLetter.__struct_fields__}
    found["event"] = row.event or None
    if row.raw is not None:
        found["raw"] = base64.b64decode(row.raw)[:RAW_SHOWN].decode(errors="replace")
    return msgspec.convert(found, DeadLetter)
