"""Run plain functions in transactions: the heart every slice's writes go through."""

import asyncio
import contextlib
import contextvars
import datetime as dt
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, MetaData

from clustergenie.platform.event import Event

P = ParamSpec("P")
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the item of a batch

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EventSink = Callable[[Connection, list[Event]], None]
"""Stores the events of a group of transactions, and gives each its `id`, inside the commit that makes them true."""

Listener = Callable[[list[Event]], None]
"""Is told, on the event loop, which events have just been committed."""


class Tx:
    """One transaction: its connection, its moment, and what is to be said once it is true.

    It cannot await, so nothing inside it can call a cloud.
    """

    __slots__ = ("_after", "connection", "events", "now")

    def __init__(self, connection: Connection, now: dt.datetime) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []
        self._after: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """Which database this is: `sqlite`, `mysql` (MariaDB too) or `postgresql`."""
        return self.connection.dialect.name

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; a list of parameter sets runs it as one batch."""
        return self.connection.execute(statement, parameters)

    def emit(self, event: Event) -> None:
        """Say that something happened; it is stored by the same commit, or not at all."""
        if event.timestamp is None:
            event.timestamp = self.now
        self.events.append(event)

    def after_commit(self, fn: Callable[[], None]) -> None:
        """Call `fn` on the event loop once the commit is durable. For wake-ups only: it may never be called."""
        self._after.append(fn)

    def afterwards(self) -> list[Callable[[], None]]:
        """What to call after the commit."""
        return self._after


_standing: contextvars.ContextVar[Callable[[Tx], None] | None] = contextvars.ContextVar("standing", default=None)


@contextlib.contextmanager
def provided(check: Callable[[Tx], None]) -> Iterator[None]:
    """Let every `Database.write` of the block begin with `check(tx)`: what it raises undoes the write."""
    before = _standing.set(check)
    try:
        yield
    finally:
        _standing.reset(before)


ManyFn = Callable[[Tx, list[I]], Sequence[T | Exception]]


class Contended(Exception):
    """Somebody else was in the way: whoever raises it wants the whole transaction undone and run again."""


class Backend(Protocol):
    """What a database engine provides; see `sqlite.py` and `server.py`."""

    dialect: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def write(self, fn: Callable[[Tx], T]) -> T: ...

    async def read(self, fn: Callable[[Tx], T]) -> T: ...

    def submit_many(self, pending: "deque[tuple[Any, Any]]", one: Any, fn: ManyFn[Any, Any], limit: int) -> None: ...

    def backlog(self) -> int: ...

    def listen(self, listener: Listener) -> None: ...

    def on_posted(self, fn: Callable[[], None]) -> None: ...

    def announce(self, committed: list[Event]) -> None: ...


class Database:
    """The one door to the database.

    `write` and `read` run a plain function in a database thread and return after the commit is durable.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.dialect = backend.dialect

    async def start(self) -> None:
        """Open connections. Raises CannotStart with a sentence."""
        await self._backend.start()

    async def stop(self) -> None:
        """Finish what was accepted, then close."""
        await self._backend.stop()

    async def write(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)`; when this returns, its effect survives `kill -9`. What it raises undoes it."""
        # The caller's context goes along, so that what is written belongs to the request's trace.
        context = contextvars.copy_context()
        check = _standing.get()
        if check is None:
            return await self._backend.write(lambda tx: context.run(fn, tx, *args, **kwargs))

        def checked(tx: Tx) -> T:
            check(tx)
            return context.run(fn, tx, *args, **kwargs)

        return await self._backend.write(checked)

    async def read(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` on one consistent snapshot; it cannot write."""
        context = contextvars.copy_context()  # what is there to be read depends on who reads
        return await self._backend.read(lambda tx: context.run(fn, tx, *args, **kwargs))

    def batched(self, fn: ManyFn[I, T], *, limit: int = 500) -> "Callable[[I], Awaitable[T]]":
        """Coalesce concurrent callers into one `fn(tx, items)`.

        `fn` returns one result per item; an exception in a place is raised to that caller alone. When `fn` itself
        raises, each item is run again by itself, so that a bad one cannot fail the rest. No timer: what queued up
        while the last commit was flushed is the next batch.
        """
        return _Batched(self._backend, fn, limit)

    def listen(self, listener: Listener) -> None:
        """Call `listener(events)` on the event loop for all that happened, in the order of the log.

        On SQLite that is after each commit that made events true, before its callers hear of it.
        """
        self._backend.listen(listener)

    def on_posted(self, fn: Callable[[], None]) -> None:
        """Call `fn` on the event loop when events were committed that have no place in the log yet: see `events`."""
        self._backend.on_posted(fn)

    def announce(self, committed: list[Event]) -> None:
        """Tell the listeners of events that have just got their place in the log."""
        self._backend.announce(committed)

    def backlog(self) -> int:
        """How many writes wait for the database."""
        return self._backend.backlog()


class _Batched:
    def __init__(self, backend: Backend, fn: ManyFn[Any, Any], limit: int) -> None:
        self._backend, self._fn, self._limit = backend, fn, limit
        self._pending: deque[tuple[Any, Any]] = deque()

    async def __call__(self, item: Any) -> Any:
        future = asyncio.get_running_loop().create_future()
        self._backend.submit_many(self._pending, (item, future), self._fn, self._limit)
        return await future
