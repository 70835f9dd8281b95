"""A database for one test: SQLite in its folder, or one on the server that CG_TEST_DATABASE names.

A test names its database by a path. On a server each path stands for a database of its own, which is emptied and used
again by later tests: to make one takes longer than most tests.
"""

import asyncio
import functools
import importlib
import itertools
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, inspect

import clustergenie
from clustergenie import events
from clustergenie.platform import migrate
from clustergenie.platform.clock import Clock
from clustergenie.platform.db import Database, EventSink, metadata
from clustergenie.platform.servers import Server, ServerBackend
from clustergenie.platform.sqlite import SqliteBackend, engine_for
from tests.servers import provide

KIND = os.environ.get("CG_TEST_DATABASE") or "sqlite"
ON_SQLITE = KIND == "sqlite"
DIALECT = {"mariadb": "mysql"}.get(KIND, KIND)
NUMBERED = ("event_dead_letters", "metrics")
"""Tables whose numbers tests begin to count at 1."""
MOST = 4
"""Databases that one test may have at the same time."""

_numbers = itertools.count(1)
_given: dict[str, Server] = {}
_free: list[Server] = []
_open: Counter[str] = Counter()
"""How many use the database of each path at this moment."""


def know_all_tables() -> None:
    """So that `metadata` has the tables of every slice."""
    for tables in sorted(Path(clustergenie.__file__).parent.glob("*/*tables.py")):
        importlib.import_module(f"clustergenie.{tables.parent.name}.{tables.stem}")


def url_of(path: Path) -> str:
    """The address of the database that stands for this path: empty, with the schema, the first time."""
    url = _server_of(path).url
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


def _server_of(path: Path) -> Server:
    known = _given.get(str(path))
    if known is not None:
        return known
    idle = [name for name in _given if not _open[name]]
    if len(_given) >= MOST and idle and not _free:  # a test that makes many goes on with its oldest
        _free.append(_given.pop(idle[0]))
    server = _free.pop() if _free else _made(KIND)
    empty(server)
    _given[str(path)] = server
    return server


def _made(kind: str) -> Server:
    server = bare(kind)
    migrate.ensure_server(server)
    return server


def bare(kind: str = KIND) -> Server:
    """A new database with nothing in it."""
    know_all_tables()
    name = f"cg_{os.getpid()}_{next(_numbers)}"
    address = provide.server(kind)
    there = Server(f"{address}/{'postgres' if address.startswith('postgres') else 'mysql'}")
    with there.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    server = Server(f"{address}/{name}")
    server.check()
    return server


def empty(server: Server) -> None:
    """Take every row out that a test put in, and every table that is a test's own."""
    with server.engine.begin() as connection:
        there = set(inspect(connection).get_table_names())
        for name in sorted(there - set(metadata.tables) - {"alembic_version"}):
            connection.exec_driver_sql(f"DROP TABLE {name}")
        ours = [table for table in metadata.sorted_tables if table.name in there]
        if server.dialect == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {', '.join(table.name for table in ours)} RESTART IDENTITY")
            return
        if connection.exec_driver_sql("SELECT 1 FROM audit_log LIMIT 1").first():
            connection.exec_driver_sql("TRUNCATE TABLE audit_log")  # nothing of it may be deleted
        for table in ours:
            if connection.execute(table.delete()).rowcount and table.name in NUMBERED:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} AUTO_INCREMENT = 1")


def forget() -> None:
    """The test is over: its databases may go to others."""
    _free.extend(_given.values())
    _given.clear()
    _open.clear()


def prepare(path: Path, tables: "MetaData | Sequence[Table] | None" = None) -> None:
    """Make the schema and these tables, unless they are there; on SQLite with `tables` a MetaData nothing else."""
    know_all_tables()
    more = list(tables.tables.values()) if isinstance(tables, MetaData) else list(tables or ())
    if ON_SQLITE and not isinstance(tables, MetaData) and not path.exists():
        path.write_bytes(_empty_file())
    engine = engine_for(path) if ON_SQLITE else _server_of(path).engine
    for table in more:
        table.create(engine, checkfirst=True)
    if ON_SQLITE:
        engine.dispose()


@functools.cache
def _empty_file() -> bytes:
    """Made once: a test that makes many databases would do little else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = engine_for(path)
        metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


def backend(path: Path, sink: EventSink = events.append, clock: Clock | None = None) -> Any:
    """Not started."""
    if ON_SQLITE:
        return SqliteBackend(path, sink, clock) if clock is not None else SqliteBackend(path, sink)
    return ServerBackend(url_of(path), sink, clock, connections=8)


class Sequenced(Database):
    """A database whose events have their place once a write has returned, and before a read looks: as on SQLite."""

    path = Path()
    sequencer: events.Sequencer | None = None
    _coming: "asyncio.Task[None] | None" = None
    _round: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """As `Database.start`."""
        _open[str(self.path)] += 1
        await super().start()

    async def read(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As `Database.read`."""
        await self.placed()
        return await super().read(fn, *args, **kwargs)

    async def write(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As `Database.write`."""
        answer = await super().write(fn, *args, **kwargs)
        await self.placed()
        return answer

    async def placed(self) -> None:
        """One round that began after this moment: all who wait for the next one share it."""
        if self.sequencer is None:
            return
        if self._coming is None:
            self._coming = asyncio.create_task(self._next_round(self.sequencer, self._round))
        await asyncio.shield(self._coming)

    async def _next_round(self, sequencer: events.Sequencer, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        self._round, self._coming = self._coming, None
        await sequencer.round(look=True)

    async def stop(self) -> None:
        """As `Database.stop`, once nobody places anything."""
        if left := [task for task in (self._coming, self._round) if task is not None]:
            await asyncio.wait(left)
        await super().stop()
        _open[str(self.path)] -= 1


def made(
    path: Path, sink: EventSink = events.append, clock: Clock | None = None
) -> "tuple[Sequenced, events.Sequencer]":
    """A database and its sequencer, not started; what is in it must be prepared."""
    engine = backend(path, sink, clock)
    db, sequencer = Sequenced(engine), events.Sequencer(Database(engine))  # its own reads must not wait for it
    db.path = path
    db.sequencer = None if ON_SQLITE else sequencer
    return db, sequencer


@asynccontextmanager
async def running(path: Path, sink: EventSink = events.append, clock: Clock | None = None) -> AsyncIterator[Database]:
    """A started database; what is in it must be prepared."""
    db, sequencer = made(path, sink, clock)
    await db.start()
    await sequencer.start()
    try:
        yield db
    finally:
        await sequencer.stop()
        await db.stop()
