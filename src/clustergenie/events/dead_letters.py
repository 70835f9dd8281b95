"""Keep what a consumer could not take, with the reason, until someone has it tried again."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update

from clustergenie.events.history import EventRecord
from clustergenie.events.tables import dead_letters
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict, NotFound
from clustergenie.platform.event import Event
from clustergenie.platform.http import Paging, fetch_page


class UnknownDeadLetter(NotFound):
    """There is no such dead letter."""


class AlreadyReplayed(Conflict):
    """This dead letter has been replayed."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a consumer group could not take: `problem` is the kind of failure, `reason` its sentence."""

    id: int
    consumer_group: str
    type: str
    key: str
    problem: str
    reason: str
    attempts: int
    failed_at: dt.datetime
    replayed_at: dt.datetime | None
    event: EventRecord


class DeadLettersReply(msgspec.Struct, frozen=True, kw_only=True):
    """A page of dead letters."""

    dead_letters: list[DeadLetter]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


_SORTABLE = {"id": dead_letters.c.id, "failed_at": dead_letters.c.failed_at}


def bury(tx: Tx, group: str, event: Event, failure: Exception, attempts: int) -> None:
    """Note that `group` could not take `event`."""
    row = {
        "consumer_group": group,
        "log_id": event.id,
        "type": event.type,
        "key": event.key,
        "event": msgspec.to_builtins(event, enc_hook=str),
        "attempts": attempts,
        "failed_at": tx.now,
        **_why(failure),
    }
    tx.execute(insert(dead_letters).values(row))


def find(tx: Tx, dead_letter_id: int) -> tuple[str, Event]:
    """The consumer group and the event of a dead letter.

    Raises UnknownDeadLetter, and AlreadyReplayed when its effect has happened.
    """
    row = tx.execute(select(dead_letters).where(dead_letters.c.id == dead_letter_id)).one_or_none()
    if row is None:
        raise UnknownDeadLetter(f"There is no dead letter {dead_letter_id}.")
    if row.replayed_at is not None:
        raise AlreadyReplayed(f"Dead letter {dead_letter_id} was replayed before; its effect has happened.")
    return row.consumer_group, msgspec.convert(row.event, Event)


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
    return msgspec.convert({name: row._mapping[name] for name in DeadLetter.__struct_fields__}, DeadLetter)
