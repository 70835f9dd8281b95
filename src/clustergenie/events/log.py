"""Keep what happened, in the order in which it became true.

A reader that has seen id n has seen everything below n, and a consumer group is a single number. On SQLite one thread
writes, so ids follow commits. Database servers commit out of id order: there events wait in the outbox until the
sequencer gives them their place.
"""

import datetime as dt
import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from clustergenie.events.tables import dead_letters, events, inbox, outbox, positions
from clustergenie.platform.clock import micros
from clustergenie.platform.db import Tx
from clustergenie.platform.event import Event

_COLUMNS = tuple(column.name for column in events.columns)
_INSERT = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - names of our own columns
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
_POST = insert(outbox)
_POSTED = tuple(name for name in _COLUMNS if name != "id")
_PAYLOAD = msgspec.json.Encoder(enc_hook=str)

COLUMNS = tuple(events.columns)
SCAN = 5_000
"""How many ids one look at the log may pass over, so that no reader holds a snapshot for long."""


class Extent(msgspec.Struct, frozen=True):
    """What the log holds: `size` rows from id `oldest` to id `newest`; `oldest` is `newest + 1` when it is empty."""

    oldest: int
    newest: int
    size: int


def append(connection: Connection, committed: list[Event]) -> None:
    """Store the events of one commit: in the log, each with its `id`, or in the outbox where many write.

    On SQLite the last id is read inside the same transaction, so it is right after a failed commit, a restart and a
    prune. It speaks to the driver directly: this runs for every event there is, and SQLAlchemy would double its price.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_POST, [_posted(event) for event in committed])
        return
    raw: Any = connection.connection.driver_connection
    cursor: sqlite3.Cursor = raw.execute(_LAST)
    row = cursor.fetchone()
    last: int = row[0] if row else 0
    rows = []
    for last, event in enumerate(committed, last + 1):  # noqa: B020 - counts on from the last id
        event.id = last
        rows.append(_row(event))
    raw.executemany(_INSERT, rows)


def _row(event: Event) -> tuple[Any, ...]:
    return (
        event.id,
        event.event_id,
        event.type,
        event.key,
        event.seq,
        event.job_id,
        event.job_type,
        event.cluster_id,
        event.droplet_id,
        event.progress,
        event.message,
        event.trace_id,
        _PAYLOAD.encode(event.payload).decode() if event.payload else "{}",
        micros(event.timestamp) if event.timestamp is not None else 0,
        event.schema_version,
    )


def _posted(event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in _POSTED}
    # As text that any JSON reader takes: what is not JSON becomes its words.
    values["payload"] = msgspec.Raw(_PAYLOAD.encode(event.payload))
    return values


def event_of(row: Row[Any]) -> Event:
    """The event that a row of COLUMNS holds."""
    return Event(**row._mapping)


def extent(tx: Tx) -> Extent:
    """How far the log reaches."""
    size = tx.execute(select(func.count()).select_from(events)).scalar_one()
    return Extent(oldest=oldest(tx), newest=newest(tx), size=size)


def newest(tx: Tx) -> int:
    """The id of the last event; 0 when nothing ever happened. Retention always leaves the last one."""
    return tx.execute(select(func.max(events.c.id))).scalar_one() or 0


def oldest(tx: Tx) -> int:
    """The id of the first event that is still there; 1 when nothing ever happened."""
    return tx.execute(select(func.min(events.c.id))).scalar_one() or 1


def scan(tx: Tx, query: Select[Any], after: int, upto: int, limit: int) -> tuple[list[Event], int]:
    """The next events of `query` (a select of COLUMNS) with `after < id <= upto`, and the id up to which that is all.

    At most `limit` events and SCAN ids a call.
    """
    after = max(after, oldest(tx) - 1)
    end = min(upto, after + SCAN)
    within = query.where(events.c.id > after, events.c.id <= end).order_by(events.c.id).limit(limit)
    found = [event_of(row) for row in tx.execute(within)]
    return found, found[-1].id if len(found) == limit else max(end, after)


def of_types(types: Iterable[str]) -> Select[Any]:
    """Select the events of these types."""
    return select(*COLUMNS).where(events.c.type.in_(sorted(types)))


def prune(tx: Tx, before: dt.datetime, limit: int = 1_000) -> int:
    """Forget up to `limit` of the oldest events from before that moment; says how many. Call again until it is 0.

    Never past what the slowest consumer group has done, and never the newest event: the log stays one unbroken run,
    so that a reader can tell "nothing happened" from "no longer known".
    """
    slowest = tx.execute(select(func.min(positions.c.position))).scalar_one()
    upto = newest(tx) - 1 if slowest is None else min(slowest, newest(tx) - 1)
    head = select(events.c.id, events.c.timestamp).where(events.c.id <= upto).order_by(events.c.id).limit(limit)
    last, count = 0, 0
    for row in tx.execute(head):
        if row.timestamp >= before:
            break
        last, count = row.id, count + 1
    if count:
        tx.execute(delete(events).where(events.c.id <= last))
        tx.execute(delete(inbox).where(inbox.c.log_id <= last))
    tx.execute(delete(dead_letters).where(dead_letters.c.replayed_at < before))
    return count
