"""Hold a worker's lease; the named leases of things that only one process should do are in `platform.leases`."""

import datetime as dt
import os
import socket

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, text, update

from clustergenie.jobs.tables import jobs, workers
from clustergenie.platform import serving
from clustergenie.platform.db import Tx

SILENCE_SECONDS = 10.0
"""A process that shares its database and was not seen for so long is taken to be gone."""
HEARING = ("api", "all")
"""The roles that agents can report to."""

# Shared with other claims, not with a rescue: a worker that is declared dead meanwhile takes nothing any more.
_HELD = select(workers.c.state).where(workers.c.id == bindparam("worker")).with_for_update(read=True)
_LIVING = workers.c.state.in_(("alive", "draining"))


class Me(msgspec.Struct, frozen=True):
    """What a worker says of itself when it comes. Without slots it only lets others know that it is there."""

    role: str = "all"
    version: str = ""
    slots: int = 0
    url: str = ""


def register(tx: Tx, worker_id: str, me: Me, seconds: float) -> None:
    """A worker says that it is there."""
    tx.execute(
        insert(workers).values(
            id=worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            state="alive",
            slots=me.slots,
            role=me.role,
            version=me.version,
            url=me.url,
            busy=0,
            waiting=0,
            started_at=tx.now,
            seen_at=tx.now,
            lease_until=tx.now + dt.timedelta(seconds=seconds),
        )
    )
    ended = workers.c.state.in_(("dead", "stopped"))
    long_dead = select(workers.c.id).where(ended, workers.c.lease_until < tx.now - dt.timedelta(days=1))
    # By their names: a DELETE that looks for them itself would lock the rows of the living on MySQL.
    if names := list(tx.execute(long_dead).scalars()):
        tx.execute(delete(workers).where(workers.c.id.in_(names)))


def renew(tx: Tx, worker_id: str, seconds: float, busy: int = 0, waiting: int = 0) -> bool:
    """Extend the lease. False when the worker has been declared dead: it must stop its work and register anew."""
    values = {"lease_until": tx.now + dt.timedelta(seconds=seconds), "seen_at": tx.now}
    renewed = update(workers).where(workers.c.id == worker_id, _LIVING).values(busy=busy, waiting=waiting, **values)
    return tx.execute(renewed).rowcount == 1


def asked_to_end(tx: Tx, worker_id: str) -> list[str]:
    """The jobs of a worker that somebody has asked to stop."""
    mine = select(jobs.c.id).where(jobs.c.worker_id == worker_id, text("state = 'running'"))
    return list(tx.execute(mine.where(jobs.c.cancel_requested_at.is_not(None))).scalars())


def held(tx: Tx, worker_id: str) -> bool:
    """Whether the worker is one that may take jobs: neither dead nor stopped, nor about to stop."""
    return tx.execute(_HELD, {"worker": worker_id}).scalar() == "alive"


def drain(tx: Tx, worker_id: str) -> None:
    """A worker says that it takes nothing more, and ends what it has."""
    tx.execute(update(workers).where(workers.c.id == worker_id, workers.c.state == "alive").values(state="draining"))


def retire(tx: Tx, worker_id: str) -> None:
    """A worker says that it has stopped in good order."""
    values = {"state": "stopped", "lease_until": tx.now, "seen_at": tx.now, "busy": 0, "waiting": 0}
    tx.execute(update(workers).where(workers.c.id == worker_id).values(**values))


def living(tx: Tx) -> int:
    """How many workers there are that take jobs."""
    there = select(func.count()).where(workers.c.state == "alive", workers.c.slots > 0, workers.c.lease_until > tx.now)
    return int(tx.execute(there).scalar_one())


def another(tx: Tx) -> str | None:
    """Who else is at work on this database right now, as far as it can be told; a process that is gone is not."""
    recently = tx.now - dt.timedelta(seconds=SILENCE_SECONDS)
    here = socket.gethostname()
    for row in tx.execute(select(workers).where(_LIVING, workers.c.seen_at > recently)):
        if row.host != here or (row.pid != os.getpid() and serving.started(row.pid) is not None):
            return f"pid {row.pid} on {row.host}"
    return None


def hearing_since(tx: Tx, silence_seconds: float) -> dt.datetime | None:
    """Since when some process has been there for agents to report to, without a pause; None if none is there now.

    A process that has not been seen for `silence_seconds` is not there, whatever its lease says. Where no process
    serves the API at all, agents report to workers.
    """
    serving: ColumnElement[bool] = workers.c.role.in_(HEARING)
    if tx.execute(select(workers.c.id).where(serving).limit(1)).first() is None:
        serving = workers.c.role == "worker"
    seen = workers.c.seen_at > tx.now - dt.timedelta(seconds=silence_seconds)
    return tx.execute(select(func.min(workers.c.started_at)).where(_LIVING, seen, serving)).scalar()
