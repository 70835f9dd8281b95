"""Open real databases for one test, and hold their writer so that what follows shares one commit."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select

from clustergenie.platform.db import Database, EventSink, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.sqlite import SqliteBackend, engine_for

schema = MetaData()
words = Table(
    "words", schema, Column("id", Integer, primary_key=True), Column("word", String, unique=True, nullable=False)
)


def forget(_connection: Connection, _events: list[Event]) -> None:
    """A sink for tests that are not about events."""


@asynccontextmanager
async def opened(path: Path, sink: EventSink = forget, tables: MetaData = schema) -> AsyncIterator[Database]:
    """A started database with these tables."""
    engine = engine_for(path)
    tables.create_all(engine)
    engine.dispose()
    db = Database(SqliteBackend(path, sink))
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


@contextmanager
def writer_held(db: Database) -> Iterator[Callable[[], None]]:
    """Keep the writer busy inside a first transaction: all that is asked for meanwhile is one group after `release`."""
    gate = threading.Event()
    first = asyncio.ensure_future(db.write(lambda _tx: gate.wait(30)))
    try:
        yield gate.set
    finally:
        gate.set()
        first.add_done_callback(lambda done: done.cancelled() or done.exception())


def add(tx: Tx, word: str) -> str:
    """Note a word; one that is there already is an IntegrityError."""
    tx.execute(insert(words).values(word=word))
    return word


def all_words(tx: Tx) -> list[str]:
    """Every word, in the order they came."""
    return list(tx.execute(select(words.c.word).order_by(words.c.id)).scalars())


def asked(db: Database, *texts: str) -> "list[asyncio.Future[str]]":
    """Ask for each word in a transaction of its own, without waiting for any."""
    return [asyncio.ensure_future(db.write(add, text)) for text in texts]
