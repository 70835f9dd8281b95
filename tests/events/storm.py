"""A process that emits and consumes as fast as it can until it is killed.

`python -m tests.events.storm <file> storm` prints each accepted event as `accepted <key> <seq>`; with `drain` it emits
nothing, and ends when all is consumed.
"""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import func, select

from clustergenie import events
from clustergenie.events import tables
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict
from clustergenie.platform.event import Event
from tests.events.logs import happened, opened, record

KEYS = tuple(f"job-{n}" for n in range(6))
GROUPS = ("even", "picky")
PICKY = 37  # the picky group refuses every 37th event of a key


def emit_next(tx: Tx, key: str) -> int:
    """The subject's version is counted under the writer's lock, as a real slice does."""
    query = select(func.max(tables.events.c.seq)).where(tables.events.c.key == key)
    seq = (tx.execute(query).scalar_one() or 0) + 1
    tx.emit(happened(key, seq))
    return seq


def picky(tx: Tx, event: Event) -> None:
    """Has its effect first, so that a dead letter must undo it."""
    record("picky")(tx, event)
    if event.seq % PICKY == 0:
        raise Conflict("not this one")


def consumers() -> list[events.Consumer]:
    """Two groups over the same events, one of which meets failures."""
    kinds = frozenset({"job_started"})
    return [
        events.Consumer("even", "takes all", kinds, record("even"), backoff=(0,)),
        events.Consumer("picky", "refuses some", kinds, picky, backoff=(0,), batch=7),
    ]


async def _produce(db: Database, key: str) -> None:
    while True:
        seq = await db.write(emit_next, key)
        sys.stdout.write(f"accepted {key} {seq}\n")
        sys.stdout.flush()


async def storm(path: Path) -> None:
    """Until killed."""
    async with opened(path) as db:
        bus = events.EmbeddedBus(db, consumers())
        await bus.start()
        sys.stdout.write("ready\n")
        await asyncio.gather(*(_produce(db, key) for key in KEYS))


async def drain(path: Path) -> None:
    """Until every group has passed the end of the log."""
    async with opened(path) as db:
        bus = events.EmbeddedBus(db, consumers())
        await bus.open()
        for delivery in bus.deliveries.values():
            while await delivery.run_once():
                continue


if __name__ == "__main__":
    asyncio.run({"storm": storm, "drain": drain}[sys.argv[2]](Path(sys.argv[1])))
