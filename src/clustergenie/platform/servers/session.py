"""Run whole transactions on one thread's connection: again where that is safe, a sentence where it is not."""

import contextlib
import datetime as dt
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from clustergenie.platform.clock import Clock
from clustergenie.platform.db import Contended, EventSink, Tx
from clustergenie.platform.failures import CommitUnknown, DatabaseAway, DatabaseBusy, NotStorable
from clustergenie.platform.servers.address import Server, code_of

T = TypeVar("T")

RUNS = 12
"""How often a transaction that others are in the way of is run, at most."""
CLASHES = 3
"""A look before an insert may lose to somebody else's insert: on the next run the look sees it."""
LOSSES = 3
"""Connections that may be lost before the caller hears of it: one may have been dead for long."""
LONGEST_PAUSE = 0.25


class Session:
    """One thread's connection, opened when it is needed, and again when it was lost."""

    def __init__(self, server: Server, sink: EventSink, clock: Clock | None, *, reading: bool) -> None:
        self._server, self._sink, self._clock, self._reading = server, sink, clock, reading
        self._connection: Connection | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with contextlib.suppress(DBAPIError, OSError):
                self._connection.close()
            self._connection = None

    def run(self, fn: Callable[[Tx], T]) -> tuple[T, Tx]:
        """Run `fn` in a transaction and commit it (a reading session: undo it).

        Run again after a deadlock, a lost race, or a connection that was lost before the commit was sent. What `fn`
        raises comes through; the rest is DatabaseAway, DatabaseBusy, CommitUnknown or NotStorable.
        """
        clashes = losses = 0
        for run in range(RUNS):
            if run:
                time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.002 * 2**run)))
            try:
                return self._once(fn)
            except Contended as reason:
                failure: Exception = reason
            except IntegrityError as clash:
                failure, clashes = clash, clashes + 1
                if clashes == CLASHES:
                    raise
            except DBAPIError as error:
                failure, losses = error, losses + self._lost(error)
                self._judge(error, losses)
        raise DatabaseBusy("Too many others change the same things; try again.", retry_after=1) from failure

    def _judge(self, error: DBAPIError, losses: int) -> None:
        """Raise what cannot be helped by another run."""
        if self._lost(error):
            self.close()
            if losses == LOSSES:
                raise DatabaseAway(self._server.sentence(error), retry_after=1) from error
            return
        code = code_of(error)
        if code in self._server.words.contended:
            return
        if code in self._server.words.slow:
            raise DatabaseBusy("The database took too long to answer; try again.", retry_after=2) from error
        if isinstance(error, DataError):
            raise NotStorable(f"A value does not fit the database: {_said(error)}.") from error
        raise error

    def _once(self, fn: Callable[[Tx], T]) -> tuple[T, Tx]:
        if self._connection is None:
            self._connection = self._server.connect(reading=self._reading)
        connection = self._connection
        transaction = connection.begin()
        try:
            tx = Tx(connection, self._moment(connection))
            result = fn(tx)
            if tx.events:
                self._sink(connection, tx.events)
            if _undone(connection):
                raise Contended("a statement failed and was passed over: nothing of the transaction would be kept")
        except BaseException:
            self._undo(transaction)
            raise
        if self._reading:
            self._undo(transaction)
        else:
            self._commit(transaction)
        return result, tx

    def _moment(self, connection: Connection) -> dt.datetime:
        """The database's clock: the only one that all replicas share."""
        if self._clock is not None:
            return self._clock()
        moment: dt.datetime = connection.exec_driver_sql(self._server.words.clock).scalar_one()
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)

    def _commit(self, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            if not self._lost(error):
                self._undo(transaction)
                raise
            self.close()
            raise CommitUnknown(
                "The connection to the database was lost during the commit: whether this was kept is not known. "
                "Look before you ask again, or ask again with the same Idempotency-Key.",
                retry_after=1,
            ) from error

    def _undo(self, transaction: RootTransaction) -> None:
        try:
            transaction.rollback()
        except (DBAPIError, OSError):  # the server undoes what a lost connection leaves
            self.close()

    def _lost(self, error: DBAPIError) -> bool:
        code = code_of(error)
        # A server that lets us write no longer was the primary once: look for the one that is.
        gone = self._server.words.gone if self._reading else self._server.words.gone | self._server.words.demoted
        return error.connection_invalidated or code in gone


def _undone(connection: Connection) -> bool:
    """PostgreSQL answers the COMMIT of a transaction in which a statement failed by undoing it, and says nothing."""
    if connection.dialect.name != "postgresql":
        return False
    raw: Any = connection.connection.driver_connection
    return int(raw.info.transaction_status) == 3  # INERROR, https://www.postgresql.org/docs/current/libpq-status.html


def _said(error: DBAPIError) -> str:
    arguments = getattr(error.orig, "args", ())
    return " ".join(str(arguments[-1] if arguments else error.orig).split()).partition(" CONTEXT:")[0]
