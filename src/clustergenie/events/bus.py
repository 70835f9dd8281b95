"""Bring every event to the consumer groups that want it, within this process."""

import asyncio
import datetime as dt
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, select

from clustergenie.events import dead_letters
from clustergenie.events.catalogue import CATALOGUE
from clustergenie.events.consumer import Consumer, Delivery, apply
from clustergenie.events.dead_letters import DeadLetter
from clustergenie.events.log import Extent, extent
from clustergenie.events.tables import positions
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict, Unavailable
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log, registry

events_total = Counter("clustergenie_events_total", "Events committed.", ("type",), registry=registry)
bus_lag = Gauge("clustergenie_bus_lag", "Events a consumer group has yet to pass.", ("group",), registry=registry)


Also = Callable[[Tx, DeadLetter], None]
"""What is done in the transaction of a replay as well."""


def _nothing_else(_tx: Tx, _letter: DeadLetter) -> None:
    """Nothing."""


class NoSuchConsumer(Conflict):
    """No consumer of that group runs here."""


class ReplayFailed(Conflict):
    """The consumer could not take the event this time either."""


class GroupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consumer group is. One that is not `active` has no consumer any more, and holds back retention."""

    group: str
    name: str
    active: bool
    types: list[str]
    position: int
    lag: int
    dead_letters: int
    updated_at: dt.datetime


class BusStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log reaches and how far each group is. `dead_letters` counts those not replayed."""

    log: Extent
    groups: list[GroupStatus]
    dead_letters: int


@runtime_checkable
class Bus(Protocol):
    """What carries events to consumer groups."""

    async def start(self) -> None:
        """Begin to deliver."""

    async def stop(self) -> None:
        """Stop delivering; what was under way happens wholly or not at all."""

    async def status(self) -> BusStatus:
        """How far every group is."""

    async def replay(self, dead_letter_id: int, also: Also = _nothing_else) -> DeadLetter:
        """Hand a dead letter to its consumer once more.

        Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed.
        """


class EmbeddedBus:
    """The bus of one process: the log in the database, read by one task for each group."""

    def __init__(self, db: Database, consumers: Sequence[Consumer]) -> None:
        self._db = db
        self.deliveries = {consumer.group: Delivery(db, consumer) for consumer in consumers}
        if len(self.deliveries) < len(consumers):
            raise ValueError("Each consumer needs a group of its own: the group is its place in the log.")
        self._tasks: list[asyncio.Task[None]] = []
        self._newest = 0
        db.listen(self._announced)

    async def open(self) -> None:
        """Take up every group's place, without delivering anything yet."""
        for delivery in self.deliveries.values():
            await delivery.open()
        status = await self.status()
        self._newest = max(self._newest, status.log.newest)
        for group in status.groups:
            if group.active:
                bus_lag.labels(group.group).set_function(_Lag(self, self.deliveries[group.group]))
            else:
                log().warning("a consumer group has no consumer; it holds back retention", group=group.group)

    async def start(self) -> None:
        """Deliver from here on."""
        await self.open()
        for group, delivery in self.deliveries.items():
            self._tasks.append(asyncio.create_task(delivery.run(), name=f"consume {group}"))

    async def stop(self) -> None:
        """Stop delivering; what was under way happens wholly or not at all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def newest(self) -> int:
        """The id of the newest event that was announced."""
        return self._newest

    def _announced(self, committed: list[Event]) -> None:
        self._newest = committed[-1].id
        tally = Tally(event.type for event in committed)
        for name, count in tally.items():
            events_total.labels(name if name in CATALOGUE else "_other").inc(count)
        types = frozenset(tally)
        for delivery in self.deliveries.values():
            delivery.announced(committed[0].id, committed[-1].id, types)

    async def status(self) -> BusStatus:
        """How far every group is."""
        return await self._db.read(self._status)

    def _status(self, tx: Tx) -> BusStatus:
        reach = extent(tx)
        waiting = dead_letters.count_waiting(tx)
        places = tx.execute(select(positions).order_by(positions.c.consumer_group))
        groups = [self._group(row, reach.newest, waiting.get(row.consumer_group, 0)) for row in places]
        return BusStatus(log=reach, groups=groups, dead_letters=sum(waiting.values()))

    def _group(self, row: Row[Any], newest: int, waiting: int) -> GroupStatus:
        delivery = self.deliveries.get(row.consumer_group)
        # Passing by events of no interest is not always noted at once, so the row may be behind the truth.
        position = max(row.position, delivery.position) if delivery else row.position
        return GroupStatus(
            group=row.consumer_group,
            name=delivery.consumer.name if delivery else "",
            active=delivery is not None,
            types=sorted(delivery.consumer.types) if delivery else [],
            position=position,
            lag=max(0, newest - position),
            dead_letters=waiting,
            updated_at=row.updated_at,
        )

    async def replay(self, dead_letter_id: int, also: Also = _nothing_else) -> DeadLetter:
        """Hand a dead letter to its consumer once more, in one transaction with the note that it was replayed.

        `also` is done in that transaction.

        Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed.
        """
        try:
            return await self._db.write(self._replay, dead_letter_id, also)
        except _HandlerFailed as failed:
            reason = failed.reason
        await self._db.write(dead_letters.mark_failed, dead_letter_id, reason)
        raise ReplayFailed(f"The event failed again: {str(reason) or type(reason).__name__}") from reason

    def _replay(self, tx: Tx, dead_letter_id: int, also: Also) -> DeadLetter:
        group, event = dead_letters.find(tx, dead_letter_id)
        delivery = self.deliveries.get(group)
        if delivery is None:
            raise NoSuchConsumer(f"The group {group!r} has no consumer in this version, so nothing can take the event.")
        try:
            apply(tx, delivery.consumer, [event], upto=None)
        except Unavailable:
            raise
        except Exception as failure:
            raise _HandlerFailed(failure) from failure
        letter = dead_letters.mark_replayed(tx, dead_letter_id)
        also(tx, letter)
        return letter


class _HandlerFailed(Exception):
    """Tells the consumer's own failure from ours."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Lag:
    """What the gauge asks at each scrape."""

    def __init__(self, bus: EmbeddedBus, delivery: Delivery) -> None:
        self._bus, self._delivery = bus, delivery

    def __call__(self) -> float:
        return max(0, self._bus.newest() - self._delivery.position)
