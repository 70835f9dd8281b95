"""Carry the log to one consumer group: every event in order, its effect once, the unusable ones aside."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import Counter
from sqlalchemy import Select, insert, select, update

from clustergenie.events import dead_letters
from clustergenie.events.catalogue import BadEvent, check
from clustergenie.events.log import newest, of_types, scan
from clustergenie.events.tables import inbox, positions
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import bound, log, registry

POLL_SECONDS = 5.0  # a wake-up cannot get lost in one process; this is for the day one does
REST_SECONDS = 1.0
SKIP = 1_000  # events of no interest that a group may pass before it notes its place

dead_letters_total = Counter(
    "clustergenie_dead_letters_total", "Events that a consumer could not take.", ("group",), registry=registry
)


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who wants which events, and what to do with one.

    `handle(tx, event)` is a plain function; its transaction also holds the inbox row and the group's place in the
    log, so that its effect happens once however often the process dies. It fails by raising: after the pauses of
    `backoff` the event becomes a dead letter, and the next one follows. `group` owns the place and never changes;
    `name` says in words what it does. A new group starts at the first event there is, or from now on.
    """

    group: str
    name: str
    types: frozenset[str]
    handle: Callable[[Tx, Event], None]
    start: Literal["first", "now"] = "first"
    origin: Literal["any", "elsewhere"] = "any"
    """`elsewhere`: only events that other systems put on the bus; our own would tell it what it knows."""
    batch: int = 50
    backoff: tuple[float, ...] = (0.05, 0.25, 1.0)
    """Seconds before each further attempt."""


class Delivery:
    """One group's way through the log. `run` for ever, or `run_once` by hand; `open` before either."""

    def __init__(self, db: Database, consumer: Consumer) -> None:
        self.consumer = consumer
        self.position = 0
        """All events up to this id are done, or of no interest."""
        self._db = db
        self._query = of_types(consumer.types)
        self._noted = 0
        self._running = False
        self._woken = asyncio.Event()

    async def open(self) -> None:
        """Take up the group's place in the log."""
        self.position = self._noted = await self._db.write(_take_up, self.consumer)

    def announced(self, first: int, last: int, types: frozenset[str]) -> None:
        """Events `first` to `last`, of these types, are in the log now."""
        passes_by = self.consumer.types.isdisjoint(types) and self.position == first - 1 and not self._running
        if passes_by:  # nothing to read for it
            self.position = last
        if not passes_by or last - self._noted >= SKIP:
            self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._woken.clear()
            try:
                delivered = await self.run_once()
            except Exception as failure:  # noqa: BLE001 - the log keeps the events; the group tries again
                log().error("event delivery stopped for a moment", group=self.consumer.group, exc_info=failure)
                await asyncio.sleep(REST_SECONDS)
                continue
            if not delivered:
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    async def run_once(self) -> int:
        """Deliver the next batch; says how many events were done, dead letters among them.

        Raises what keeps the database from being read or written: the same events come again then.
        """
        self._running = True
        try:
            found, upto = await self._next()
            if found:
                await self._deliver(found, upto)
            elif upto - self._noted >= SKIP:
                await self._db.write(_note, self.consumer.group, upto)
                self._noted = upto
            self.position = upto
        finally:
            self._running = False
        return len(found)

    async def _next(self) -> tuple[list[Event], int]:
        """The next events of interest and the id up to which that is all; none only at the end of the log."""
        while True:
            found, upto, end = await self._db.read(_look, self._query, self.position, self.consumer.batch)
            if found or upto >= end:
                return found, upto
            self.position = upto

    async def _deliver(self, found: list[Event], upto: int) -> None:
        try:
            await self._db.write(apply, self.consumer, found, upto)
            self._noted = upto
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one of them is at fault: each by itself shows which
            for event in found:
                await self._deliver_alone(event)
                self.position = self._noted = event.id

    async def _deliver_alone(self, event: Event) -> None:
        for attempts, pause in enumerate((*self.consumer.backoff, None), 1):
            try:
                await self._db.write(apply, self.consumer, [event], event.id)
            except Unavailable:  # the database, not the event
                raise
            except Exception as failure:  # noqa: BLE001 - whatever it is, it goes to the dead letters with its reason
                if pause is None or isinstance(failure, BadEvent):
                    await self._bury(event, failure, attempts)
                    return
                await asyncio.sleep(pause)
            else:
                return

    async def _bury(self, event: Event, failure: Exception, attempts: int) -> None:
        await self._db.write(_give_up, self.consumer.group, event, failure, attempts)
        dead_letters_total.labels(self.consumer.group).inc()
        with bound(trace_id=event.trace_id, job_id=event.job_id, cluster_id=event.cluster_id):
            log().error(
                "event became a dead letter",
                group=self.consumer.group,
                type=event.type,
                event_id=event.event_id,
                reason=str(failure),
                exc_info=None if isinstance(failure, BadEvent) else failure,
            )


def apply(tx: Tx, consumer: Consumer, found: list[Event], upto: int | None) -> None:
    """Handle each event this group has not handled yet, and note the place (none for a replay)."""
    names = [event.event_id for event in found]
    query = select(inbox.c.event_id).where(inbox.c.consumer_group == consumer.group, inbox.c.event_id.in_(names))
    known = set(tx.execute(query).scalars())
    rows = []
    for event in found:
        check(event)
        if event.event_id not in known:
            known.add(event.event_id)
            consumer.handle(tx, event)
            rows.append({"consumer_group": consumer.group, "event_id": event.event_id, "log_id": event.id})
    if rows:  # should another process have been faster, its rows are there, and this transaction ends here
        tx.execute(insert(inbox), rows)
    if upto is not None:
        _note(tx, consumer.group, upto)


def _look(tx: Tx, query: Select[Any], after: int, limit: int) -> tuple[list[Event], int, int]:
    end = newest(tx)
    return *scan(tx, query, after, end, limit), end


def _take_up(tx: Tx, consumer: Consumer) -> int:
    query = select(positions.c.position).where(positions.c.consumer_group == consumer.group)
    found: int | None = tx.execute(query).scalar_one_or_none()
    if found is not None:
        return found
    start = newest(tx) if consumer.start == "now" else 0
    tx.execute(insert(positions).values(consumer_group=consumer.group, position=start, updated_at=tx.now))
    return start


def _note(tx: Tx, group: str, position: int) -> None:
    change = update(positions).where(positions.c.consumer_group == group)
    tx.execute(change.values(position=position, updated_at=tx.now))


def _give_up(tx: Tx, group: str, event: Event, failure: Exception, attempts: int) -> None:
    dead_letters.bury(tx, group, event, failure, attempts)
    _note(tx, group, event.id)
