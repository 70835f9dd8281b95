"""Let many transactions share one commit on SQLite, each kept or undone by itself."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from clustergenie.platform.db import ManyFn, Tx
from clustergenie.platform.event import Event

Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


class One:
    """One caller's transaction in a group."""

    def __init__(self, fn: Callable[[Tx], Any], future: "asyncio.Future[Any]") -> None:
        self.fn, self.future = fn, future

    def run(self, group: "Group") -> None:
        if not self.future.cancelled():
            group.savepoint(self.fn, [self.future], single=True)


class Many:
    """Whatever callers of one batched function have queued up by the time the writer gets here."""

    def __init__(self, pending: "deque[tuple[Any, asyncio.Future[Any]]]", fn: ManyFn[Any, Any], limit: int) -> None:
        self.pending, self.fn, self.limit = pending, fn, limit

    def run(self, group: "Group") -> None:
        taken: list[tuple[Any, asyncio.Future[Any]]] = []
        while self.pending and len(taken) < self.limit:
            taken.append(self.pending.popleft())
        if self.pending:
            group.left_over.append(self)
        taken = [pair for pair in taken if not pair[1].cancelled()]
        if not taken:
            return
        items = [item for item, _ in taken]
        futures = [future for _, future in taken]
        group.taken += futures
        fn = self.fn
        if len(taken) == 1 or not group.savepoint(lambda tx: fn(tx, items), futures, single=False, last=False):
            for item, future in taken:
                group.savepoint(lambda tx, item=item: fn(tx, [item]), [future], single=False)  # type: ignore[misc]


class Group:
    """The transactions that share one commit, each in a savepoint of its own."""

    def __init__(self, connection: Connection, raw: sqlite3.Connection, moment: Any) -> None:
        self.connection, self.raw, self.moment = connection, raw, moment
        self.answers: list[Answer] = []
        self.events: list[Event] = []
        self.after: list[Callable[[], None]] = []
        self.taken: list[asyncio.Future[Any]] = []  # out of a batch's queue: nobody else knows of these callers
        self.left_over: list[One | Many] = []

    def savepoint(
        self, fn: Callable[[Tx], Any], futures: "list[asyncio.Future[Any]]", *, single: bool, last: bool = True
    ) -> bool:
        """Run `fn`; keep its work or undo it alone. With `last=False` a failure is not answered: it is tried apart."""
        tx = Tx(self.connection, self.moment)
        self.raw.execute("SAVEPOINT tx")
        try:
            result = fn(tx)
        except Exception as failure:  # it belongs to the caller, who gets it; the group goes on
            if not self.raw.in_transaction:  # SQLite itself rolled back everything: full disk, I/O error
                raise
            self.raw.execute("ROLLBACK TO tx")
            self.raw.execute("RELEASE tx")
            if last:
                self.answers += [(future, None, failure) for future in futures]
            return False
        self.raw.execute("RELEASE tx")
        self.events += tx.events
        self.after += tx.afterwards()
        for future, value in zip(futures, [result] if single else result, strict=True):
            failed = isinstance(value, Exception) and not single
            self.answers.append((future, None, value) if failed else (future, value, None))
        return True
