"""Open a real log for one test, and put events into it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from clustergenie import events
from clustergenie.platform.db import Database, EventSink, Tx
from clustergenie.platform.event import Event
from tests import databases

effects = Table(
    "effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("consumer_group", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("seq", Integer, nullable=False),
)


def prepare(path: Path) -> None:
    """Create the tables, and one that consumers of tests write to."""
    databases.prepare(path, [effects])


@asynccontextmanager
async def opened(path: Path, sink: EventSink = events.append) -> AsyncIterator[Database]:
    """A started database whose sink is the log, unless another is named."""
    prepare(path)
    async with databases.running(path, sink) as db:
        yield db


def happened(key: str = "job-1", seq: int = 1, kind: str = "job_started", **more: object) -> Event:
    """An event about a job."""
    return Event(**{"type": kind, "key": key, "seq": seq, "job_id": key, **more})


def emit(tx: Tx, *found: Event) -> None:
    """Let these have happened."""
    for event in found:
        tx.emit(event)


def record(group: str) -> Callable[[Tx, Event], None]:
    """A handler whose effect is a row, so that an effect twice is two rows."""

    def handle(tx: Tx, event: Event) -> None:
        tx.execute(insert(effects).values(consumer_group=group, key=event.key, seq=event.seq))

    return handle


def recorded(tx: Tx, group: str = "g") -> list[tuple[str, int]]:
    """The effects of a group, in the order in which they happened."""
    query = select(effects.c.key, effects.c.seq).where(effects.c.consumer_group == group).order_by(effects.c.id)
    return [(row.key, row.seq) for row in tx.execute(query)]


def consumer(handle: Callable[[Tx, Event], None], **more: object) -> events.Consumer:
    """A consumer of `job_started` in group g that does not wait between attempts."""
    wanted = {"group": "g", "name": "a test", "types": frozenset({"job_started"}), "backoff": (0, 0), **more}
    return events.Consumer(handle=handle, **wanted)
