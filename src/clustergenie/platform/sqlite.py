"""Run transactions on SQLite: one writer thread with group commit, readers beside it, one process per file."""

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from clustergenie.platform.clock import MICROSECOND, Clock, now
from clustergenie.platform.db import EventSink, Listener, ManyFn, Tx
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.event import Event
from clustergenie.platform.failures import DatabaseBusy, DatabaseWriteFailed
from clustergenie.platform.group import Group, Many, One
from clustergenie.platform.lock import take_lock

T = TypeVar("T")

GROUP = 256  # transactions per commit: bounds how long one fsync may keep its callers waiting
BACKLOG = 20_000  # writes that may wait; beyond it callers are told to come back
READERS = 4

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # NORMAL would lose acknowledged commits on power loss
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16384",
    "PRAGMA journal_size_limit=67108864",
)


def engine_for(path: Path) -> Engine:
    """An engine whose connections leave BEGIN and COMMIT to us."""
    return create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 512},
        # Two forms per statement would be compiled otherwise; RETURNING order is never relied on.
        use_insertmanyvalues=False,
    )


class SqliteBackend:
    """See `platform.db.Backend`. One process owns the file; a second one refuses to start with a sentence."""

    dialect = "sqlite"

    def __init__(
        self, path: Path, sink: EventSink, clock: Clock = now, prepare: Callable[[Path], None] | None = None
    ) -> None:
        """`prepare` is called with the lock held and before anything is opened, to migrate the schema."""
        self.path, self._sink, self._clock, self._prepare = path, sink, clock, prepare
        self._listeners: list[Listener] = []
        self._engine = engine_for(path)
        self._queue: queue.SimpleQueue[One | Many | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._local = threading.local()
        self._read_connections: list[Connection] = []
        self._thread: threading.Thread | None = None
        self._lock_fd: int | None = None
        self._last = clock()
        self._stopping = False

    async def start(self) -> None:
        """Take the file lock, open the writer. Raises CannotStart."""
        self._loop = asyncio.get_running_loop()
        self._lock_fd = take_lock(self.path)
        try:
            if self._prepare is not None:
                self._prepare(self.path)
            self._connection = self._connect()
        except (DBAPIError, sqlite3.Error) as error:
            raise CannotStart(f"The database {self.path} cannot be opened: {_cause(error)}.") from error
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Commit what was accepted, then close everything and give the lock back."""
        self._stopping = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None
            self._connection.close()
        self._readers.shutdown(wait=True)
        for connection in self._read_connections:
            connection.close()
        self._engine.dispose()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        for pragma in _PRAGMAS:
            connection.exec_driver_sql(pragma)
        return connection

    # -- the callers' side

    async def write(self, fn: Callable[[Tx], T]) -> T:
        self._admit()
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(One(fn, future))
        return await future

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return await self._loop.run_in_executor(self._readers, self._read, fn)

    def submit_many(self, pending: "deque[tuple[Any, Any]]", one: Any, fn: ManyFn[Any, Any], limit: int) -> None:
        self._admit(len(pending) + 1)
        pending.append(one)
        if len(pending) == 1:  # else the writer has not come by yet and will take it along
            self._queue.put(Many(pending, fn, limit))

    def backlog(self) -> int:
        return self._queue.qsize()

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def on_posted(self, fn: Callable[[], None]) -> None:
        """Never: an event has its place in the log by the commit that makes it true."""

    def announce(self, committed: list[Event]) -> None:
        for listener in self._listeners:
            listener(committed)

    def _admit(self, waiting: int = 0) -> None:
        if self._stopping:
            raise DatabaseBusy("The server is shutting down; try again in a moment.", retry_after=2)
        if max(waiting, self._queue.qsize()) > BACKLOG:
            raise DatabaseBusy("Too many writes are waiting for the database; try again shortly.", retry_after=1)

    # -- the database threads' side

    def _read(self, fn: Callable[[Tx], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.exec_driver_sql("PRAGMA query_only=ON")
            self._read_connections.append(connection)
        raw = _raw(connection)
        raw.execute("BEGIN")
        try:
            return fn(Tx(connection, self._clock()))
        finally:
            raw.execute("ROLLBACK")

    def _run(self) -> None:
        group: list[One | Many] = []
        ended = False
        while group or not ended:
            ended = self._gather(group) or ended
            group = self._commit(group) if group else []

    def _gather(self, group: "list[One | Many]") -> bool:
        """Add to the group what is waiting; wait if there is nothing at all. True once the end was reached."""
        with contextlib.suppress(queue.Empty):
            while len(group) < GROUP:
                work = self._queue.get(block=not group)
                if work is None:
                    return True
                group.append(work)
        return False

    def _commit(self, works: "list[One | Many]") -> "list[One | Many]":
        """Commit the works together; what a batch could not take along is returned, to come first next time."""
        raw = _raw(self._connection)
        self._last = max(self._clock(), self._last + MICROSECOND)
        group = Group(self._connection, raw, self._last)
        try:
            raw.execute("BEGIN IMMEDIATE")
            for work in works:
                work.run(group)
            if group.events:
                self._sink(self._connection, group.events)
            raw.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the callers must hear of it, and the thread must live on
            self._refuse(raw, works, group, error)
            return []
        self._loop.call_soon_threadsafe(self._answer, group)
        return group.left_over

    def _refuse(self, raw: sqlite3.Connection, works: "list[One | Many]", group: Group, error: Exception) -> None:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        failure = DatabaseWriteFailed(f"The database could not commit: {_cause(error)}. Nothing was kept; try again.")
        futures = {*group.taken, *(work.future for work in works if isinstance(work, One))}
        for work in works:
            if isinstance(work, Many):
                while work.pending:
                    futures.add(work.pending.popleft()[1])
        group.answers = [(future, None, failure) for future in futures]
        group.events, group.after = [], []
        self._loop.call_soon_threadsafe(self._answer, group)

    def _answer(self, group: Group) -> None:
        """On the event loop: tell the listeners, then each caller."""
        if group.events:
            self.announce(group.events)
        for fn in group.after:
            fn()
        for future, value, failure in group.answers:
            if future.cancelled():
                continue
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(value)


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):  # pragma: no cover - the engine above makes no other
        raise TypeError(type(raw))
    return raw


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
