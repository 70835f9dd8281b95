"""Hold named leases: what only one process should do, however many there are."""

import datetime as dt

from sqlalchemy import BigInteger, Column, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from clustergenie.platform.db import Tx, metadata
from clustergenie.platform.types import UtcDateTime

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)


def acquire(tx: Tx, name: str, holder: str, seconds: float) -> int | None:
    """Take or keep the named lease; its term if it is ours now, None if another holds it.

    The term grows with every change of holder, so that work of an earlier holder can be told from a later one's.
    """
    until = tx.now + dt.timedelta(seconds=seconds)
    row = tx.execute(select(leases).where(leases.c.name == name).with_for_update()).one_or_none()
    if row is None:
        try:
            tx.execute(insert(leases).values(name=name, holder=holder, term=1, expires_at=until))
        except IntegrityError:
            return None
        return 1
    if row.holder != holder and row.expires_at > tx.now:
        return None
    term: int = row.term if row.holder == holder else row.term + 1
    tx.execute(update(leases).where(leases.c.name == name).values(holder=holder, term=term, expires_at=until))
    return term


def holds(tx: Tx, name: str, holder: str, term: int) -> bool:
    """Whether this holder's term still runs or has found no successor; until the commit it cannot find one."""
    mine = (leases.c.name == name, leases.c.holder == holder, leases.c.term == term)
    return tx.execute(select(leases.c.term).where(*mine).with_for_update()).one_or_none() is not None


def hold(tx: Tx, name: str) -> None:
    """Let nobody else come this far until the commit. The lease's row must be there."""
    tx.execute(select(leases.c.term).where(leases.c.name == name).with_for_update())


def release(tx: Tx, name: str, holder: str) -> None:
    """Give the named lease back."""
    tx.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(expires_at=tx.now))


def free_all(tx: Tx) -> None:
    """End every lease, where it is known that nobody is left to hold one."""
    tx.execute(update(leases).where(leases.c.expires_at > tx.now).values(expires_at=tx.now))
