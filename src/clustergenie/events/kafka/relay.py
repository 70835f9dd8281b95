"""Carry the log to Kafka: one relay for each shard of subjects, wherever its lease is held.

The log is read by position, which is safe because its ids are dense and follow commits on every database. The place is
noted after the brokers reported delivery; between the two a crash sends some events again, in the same order, and
consumers know them by `event_id`. Two things keep an earlier holder from interfering: its term ends with the lease,
so that it cannot note a place, and its transactional id has a newer epoch, so that the brokers take nothing from it.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import KafkaException
from sqlalchemy import delete, insert, select, update

from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.publisher import Publisher
from clustergenie.events.kafka.wire import shard_of
from clustergenie.events.log import COLUMNS, newest, scan
from clustergenie.events.tables import positions
from clustergenie.platform import leases
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log

T = TypeVar("T")

PREFIX = "relay-"
BATCH = 500
LEASE_SECONDS = 12.0
POLL_SECONDS = 2.0  # whatever is committed anywhere is announced; this is for the day an announcement is lost
NOTE_SECONDS = 1.0  # how often it notes that it passed events of other shards
REST_SECONDS = (0.2, 0.5, 1.0, 2.0)

_ALL = select(*COLUMNS)


class Relay:
    """One shard's way from the log to the topic."""

    def __init__(
        self, db: Database, contact: Contact, publisher: Publisher, *, number: int, shards: int, holder: str
    ) -> None:
        self.number, self._shards = number, shards
        self.name = f"{PREFIX}{number}-of-{shards}"
        """Names the lease and the place."""
        self.position = 0
        self.leads = False
        self.waiting_since: dt.datetime | None = None
        """When the first event happened that is read and not delivered yet."""
        self.problem: str | None = None
        """Why the last round failed."""
        self._db, self._contact, self._publisher, self._holder = db, contact, publisher, holder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        self._term = 0
        self._noted = (0, 0.0)  # place and moment
        self._renew_at = self._trusted_until = 0.0
        self._stopping = False
        self._woken = asyncio.Event()

    def nudge(self) -> None:
        """There are new events."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until `stop`."""
        failures = 0
        while not self._stopping:
            self._woken.clear()
            try:
                moved = await self.round()
                failures, self.problem = 0, None
            except Exception as failure:  # noqa: BLE001 - the log keeps the events; a new producer tries again
                await self._failed(failure)
                await self._rest(REST_SECONDS[min(failures, len(REST_SECONDS) - 1)])
                failures += 1
                continue
            if not moved:
                await self._rest(self._pause())

    async def _failed(self, failure: Exception) -> None:
        sentence = self._contact.sentence(failure) if isinstance(failure, KafkaException) else str(failure)
        if sentence != self.problem:
            unknown = None if isinstance(failure, KafkaException) else failure
            log().warning("events wait for Kafka", relay=self.name, reason=sentence, exc_info=unknown)
        self.problem = sentence
        await self._let_go()

    def _pause(self) -> float:
        behind = self.position > self._noted[0]
        return NOTE_SECONDS if behind else POLL_SECONDS

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def stop(self, task: "asyncio.Task[None]") -> None:
        """End after the round under way, and give the lease back."""
        self._stopping = True
        self._woken.set()
        done, _ = await asyncio.wait([task], timeout=5)
        if not done:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._let_go()
        self._thread.shutdown(wait=False)
        await self._db.write(leases.release, self.name, self._holder)

    async def round(self) -> bool:
        """Deliver the next events of this shard; whether there may be more."""
        if not await self._lead():
            return False
        found, upto, end = await self._db.read(self._look, self.position)
        self.waiting_since = found[0].timestamp if found else None
        if found:
            await self._blocking(lambda: self._publisher.send(found))
        if (found or self._note_due(upto)) and not await self._db.write(self._note, upto):
            log().warning("another relay has taken over", relay=self.name)
            await self._let_go()
            return False
        self.position, self.waiting_since = upto, None
        return upto < end

    async def _lead(self) -> bool:
        """Whether this is the shard's relay now: it holds the lease, and a producer that fences all before it."""
        now = time.monotonic()
        if now >= self._renew_at:
            term = await self._db.write(leases.acquire, self.name, self._holder, LEASE_SECONDS)
            if term is None or (self.leads and term != self._term):
                await self._let_go()
                self._renew_at = 0.0 if term is not None else now + min(1.0, LEASE_SECONDS / 4)
                return False
            # The local clock may be trusted for less than the lease: our term must end before another's can begin.
            self._term, self._renew_at, self._trusted_until = term, now + LEASE_SECONDS / 4, now + LEASE_SECONDS / 2
        if time.monotonic() > self._trusted_until:
            return False
        if not self.leads:
            await self._blocking(self._publisher.open)
            # Only now: what an earlier holder had under way has either been delivered and noted, or never will be.
            self.position = await self._db.write(_take_up, self.name, self._shards)
            self._noted = (self.position, time.monotonic())
            self.leads = True
            log().info("relaying events to Kafka", relay=self.name, after=self.position)
        return True

    async def _let_go(self) -> None:
        self.leads, self.waiting_since = False, None
        self._renew_at = 0.0
        await self._blocking(self._publisher.drop)

    async def _blocking(self, fn: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, fn)

    def _look(self, tx: Tx, after: int) -> tuple[list[Event], int, int]:
        end = newest(tx)
        found, upto = scan(tx, _ALL, after, end, BATCH)
        return [event for event in found if shard_of(event.key, self._shards) == self.number], upto, end

    def _note_due(self, upto: int) -> bool:
        return upto > self._noted[0] and time.monotonic() >= self._noted[1] + NOTE_SECONDS

    def _note(self, tx: Tx, upto: int) -> bool:
        if not leases.holds(tx, self.name, self._holder, self._term):
            return False
        place = update(positions).where(positions.c.consumer_group == self.name)
        tx.execute(place.values(position=upto, updated_at=tx.now))
        self._noted = (upto, time.monotonic())
        return True


def _take_up(tx: Tx, name: str, shards: int) -> int:
    """The shard's place.

    All shards of a new layout get the same place, in one go: the last one of any relay there was, since a shard may
    hold what any of them has yet to carry. Consumers know what comes twice. Places of an earlier layout go, as they
    would hold back retention.
    """
    places = {
        row.consumer_group: row.position
        for row in tx.execute(select(positions).where(positions.c.consumer_group.startswith(PREFIX, autoescape=True)))
    }
    wanted = {f"{PREFIX}{number}-of-{shards}" for number in range(shards)}
    start = min(places.values(), default=0)
    new = [{"consumer_group": one, "position": start, "updated_at": tx.now} for one in sorted(wanted - set(places))]
    if new:
        tx.execute(insert(positions), new)
    if stale := sorted(set(places) - wanted):
        tx.execute(delete(positions).where(positions.c.consumer_group.in_(stale)))
    return int(places.get(name, start))
