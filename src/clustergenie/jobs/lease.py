"""Hold a worker's lease; the named leases of things that only one process should do are in `platform.leases`."""

import datetime as dt
import os
import socket

from sqlalchemy import bindparam, delete, insert, select, update

from clustergenie.jobs.tables import workers
from clustergenie.platform.db import Tx

_HELD = select(workers.c.state).where(workers.c.id == bindparam("worker"))


def register(tx: Tx, worker_id: str, slots: int, seconds: float) -> None:
    """A worker says that it is there."""
    tx.execute(
        insert(workers).values(
            id=worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            state="alive",
            slots=slots,
            started_at=tx.now,
            lease_until=tx.now + dt.timedelta(seconds=seconds),
        )
    )
    long_dead = tx.now - dt.timedelta(days=1)
    tx.execute(delete(workers).where(workers.c.state.in_(("dead", "stopped")), workers.c.lease_until < long_dead))


def renew(tx: Tx, worker_id: str, seconds: float) -> bool:
    """Extend the lease. False when the worker has been declared dead: it must stop its work and register anew."""
    until = tx.now + dt.timedelta(seconds=seconds)
    alive = workers.c.state.in_(("alive", "draining"))
    return tx.execute(update(workers).where(workers.c.id == worker_id, alive).values(lease_until=until)).rowcount == 1


def held(tx: Tx, worker_id: str) -> bool:
    """Whether the worker is one that may take jobs: declared neither dead nor stopped."""
    return tx.execute(_HELD, {"worker": worker_id}).scalar() == "alive"


def retire(tx: Tx, worker_id: str) -> None:
    """A worker says that it has stopped in good order."""
    tx.execute(update(workers).where(workers.c.id == worker_id).values(state="stopped", lease_until=tx.now))
