"""Bring every event to the consumer groups that want it, within this process."""

import asyncio
import datetime as dt
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, select

from clustergenie.events import dead_letters
from clustergenie.events.catalogue import CATALOGUE
from clustergenie.events.consumer import Consumer, Delivery
from clustergenie.events.dead_letters import DeadLetter
from clustergenie.events.log import Extent, extent
from clustergenie.events.replay import Also, nothing_else, replay
from clustergenie.events.tables import positions
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log, registry

events_total = Counter("clustergenie_events_total", "Events committed.", ("type",), registry=registry)
bus_lag = Gauge("clustergenie_bus_lag", "Events a consumer group has yet to pass.", ("group",), registry=registry)


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


class RelayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the relay of one shard is. `lag` counts the events of the log behind its place, those of others too.

    `holder` is the process that has its lease; `problem` says why its last round failed, where it runs here.
    """

    name: str
    position: int
    lag: int
    holder: str | None
    problem: str | None


class KafkaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the bus between the processes is. `problem` says why it is not well; nothing is lost meanwhile.

    The outbox is what the log holds and no relay has seen delivered; `lag` is how many messages of the topic the
    group has not passed, and null while that cannot be told.
    """

    brokers: str
    reachable: bool
    problem: str | None
    topic: str
    group: str
    outbox_depth: int
    outbox_age_seconds: float
    relays: list[RelayStatus]
    lag: int | None


class BusStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log reaches and how far each group is. `dead_letters` counts those not replayed."""

    log: Extent
    groups: list[GroupStatus]
    dead_letters: int
    kafka: KafkaStatus | None = None
    """Null where events stay in one process."""


@runtime_checkable
class Bus(Protocol):
    """What carries events to consumer groups."""

    async def open(self) -> None:
        """Know how far everything is, without delivering anything here."""

    async def start(self) -> None:
        """Begin to deliver."""

    async def stop(self) -> None:
        """Stop delivering; what was under way happens wholly or not at all."""

    async def status(self) -> BusStatus:
        """How far every group is."""

    async def trouble(self) -> str | None:
        """Why events are not carried just now, in a sentence; None when they are. They are kept in any case."""

    async def replay(self, dead_letter_id: int, also: Also = nothing_else) -> DeadLetter:
        """Hand a dead letter to its consumer once more.

        Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed.
        """


def by_group(consumers: Sequence[Consumer]) -> dict[str, Consumer]:
    """The consumers by their groups, of which each needs its own."""
    found = {consumer.group: consumer for consumer in consumers}
    if len(found) < len(consumers):
        raise ValueError("Each consumer needs a group of its own: the group is its place in the log.")
    return found


def count(committed: list[Event]) -> frozenset[str]:
    """Count what was committed; says which types it is of."""
    tally = Tally(event.type for event in committed)
    for name, times in tally.items():
        events_total.labels(name if name in CATALOGUE else "_other").inc(times)
    return frozenset(tally)


class EmbeddedBus:
    """The bus of one process: the log in the database, read by one task for each group."""

    def __init__(self, db: Database, consumers: Sequence[Consumer]) -> None:
        self._db = db
        self._consumers = by_group(consumers)
        here = [consumer for consumer in consumers if consumer.origin == "any"]
        self.deliveries = {consumer.group: Delivery(db, consumer) for consumer in here}
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
        types = count(committed)
        for delivery in self.deliveries.values():
            delivery.announced(committed[0].id, committed[-1].id, types)

    async def trouble(self) -> str | None:
        """Nothing can come between a log and its readers in one process."""
        return None

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

    async def replay(self, dead_letter_id: int, also: Also = nothing_else) -> DeadLetter:
        """Hand a dead letter to its consumer once more, in one transaction with the note that it was replayed.

        `also` is done in that transaction.

        Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed.
        """
        return await replay(self._db, self._consumers, dead_letter_id, also)


class _Lag:
    """What the gauge asks at each scrape."""

    def __init__(self, bus: EmbeddedBus, delivery: Delivery) -> None:
        self._bus, self._delivery = bus, delivery

    def __call__(self) -> float:
        return max(0, self._bus.newest() - self._delivery.position)
