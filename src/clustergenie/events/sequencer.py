"""Give committed events their place in the log, on databases where many write; and hear of what others placed.

A transaction puts its events into the outbox while it holds its subjects' rows, so that the outbox ids of one key are
in the order of its events. One sequencer at a time, whoever holds the counter's row, moves what is committed into the
log: its ids follow each other without a gap, so whoever has read up to id n has read everything below n.
"""

import asyncio
import contextlib

from sqlalchemy import insert, select, update

from clustergenie.events.log import COLUMNS, event_of
from clustergenie.events.tables import counter, events, outbox
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log

POLL_SECONDS = 0.05
"""How long an event of another process may go unnoticed."""
GAP_SECONDS = 0.005
"""Between rounds under load: what was committed meanwhile is placed together."""
MOST = 1_000
REST_SECONDS = 1.0

_COUNTER = select(counter.c.position).where(counter.c.id == 1)
_WAITING = select(outbox.c.id).order_by(outbox.c.id).limit(MOST)
_STATE = select(
    _COUNTER.scalar_subquery().label("position"), select(outbox.c.id).limit(1).scalar_subquery().label("waiting")
)
_NAMES = [column.name for column in events.columns if column.name != "id"]


class Sequencer:
    """Works until stopped. On SQLite it has nothing to do: a commit gives its events their place itself."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen = 0
        self._nudged = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        db.on_posted(self._nudged.set)

    async def start(self) -> None:
        """Find the end of the log; listeners hear of everything after it."""
        if self._db.dialect == "sqlite":
            return
        self._seen = (await self._db.read(_state))[0]
        self._task = asyncio.create_task(self._run(), name="sequencer")

    async def stop(self) -> None:
        """Give what waits its place, if the database lets us, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            with contextlib.suppress(Unavailable):
                await self.round()
            self._task = None

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._nudged.wait()
            nudged = self._nudged.is_set()
            self._nudged.clear()
            try:
                await self.round(look=not nudged)
            except Exception as failure:  # noqa: BLE001 - the outbox keeps the events; they are placed when it is over
                log().error("events could not be given their place", error=str(failure))
                await asyncio.sleep(REST_SECONDS)
            await asyncio.sleep(GAP_SECONDS)

    async def round(self, *, look: bool = False) -> None:
        """Place what waits, and tell the listeners of everything that is new; `look` first whether there is any."""
        async with self._turn:
            newest, waiting = (await self._db.read(_state)) if look else (self._seen, True)
            while waiting:
                moved, newest = await self._db.write(place)
                waiting = moved == MOST
            while self._seen < newest:
                found = await self._db.read(_after, self._seen, newest)
                self._seen = found[-1].id if found else newest
                if found:
                    self._db.announce(found)


def place(tx: Tx) -> tuple[int, int]:
    """Move up to MOST events from the outbox to the end of the log; how many, and the id of the newest event there."""
    position: int | None = tx.execute(_COUNTER.with_for_update()).scalar_one_or_none()
    if position is None:
        position = 0
        tx.execute(insert(counter).values(id=1, position=0))
    waiting = [int(found) for found in tx.execute(_WAITING).scalars()]
    if not waiting:
        return 0, position
    # Exactly these: rows with lower ids may be committed between one statement and the next.
    these = ",".join(map(str, waiting))
    quote = tx.connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, _NAMES))
    tx.connection.exec_driver_sql(
        f"INSERT INTO events (id, {names}) "  # noqa: S608 - our own names and whole numbers
        f"SELECT {position} + row_number() OVER (ORDER BY id), {names} FROM event_outbox WHERE id IN ({these})"
    )
    tx.connection.exec_driver_sql(f"DELETE FROM event_outbox WHERE id IN ({these})")  # noqa: S608
    position += len(waiting)
    tx.execute(update(counter).where(counter.c.id == 1).values(position=position))
    return len(waiting), position


def _state(tx: Tx) -> tuple[int, bool]:
    row = tx.execute(_STATE).one()
    return row.position or 0, row.waiting is not None


def _after(tx: Tx, seen: int, newest: int) -> list[Event]:
    query = select(*COLUMNS).where(events.c.id > seen, events.c.id <= newest).order_by(events.c.id).limit(MOST)
    return [event_of(row) for row in tx.execute(query)]
