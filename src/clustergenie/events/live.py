"""Follow what happens as it happens: one short memory of the newest events that every subscriber reads at its own pace.

A subscriber is only a place in the log (`cursor`). It has no queue that could grow: one that falls too far behind
finds its place gone and is told to read everything again (`Resync`).
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import AsyncIterator

import msgspec

from clustergenie.events.audience import EVERYBODY, Audience
from clustergenie.events.history import Filter
from clustergenie.events.log import newest, oldest, scan
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.event import Event

BEHIND = 5_000
"""How many events a subscriber may catch up with; beyond that reading the rows again is cheaper for everyone."""
CHUNK = 500
SUBSCRIBERS = 1_000
SILENCE_SECONDS = 15.0


class TooManySubscribers(Unavailable):
    """Too many event streams are open."""


class Resync(msgspec.Struct, frozen=True):
    """Some events were missed for good; what follows starts after `last_id`."""

    reason: str
    last_id: int


News = list[Event] | Resync
"""Events in order, none of them twice; an empty list says that the subscriber is still connected."""


class Live:
    """The live feed of one process. `start` before use; `close` before waiting for open streams to end."""

    def __init__(
        self, db: Database, *, behind: int = BEHIND, limit: int = SUBSCRIBERS, silence_seconds: float = SILENCE_SECONDS
    ) -> None:
        self._db, self._behind, self._limit, self._silence = db, behind, limit, silence_seconds
        self._recent: list[Event] = []
        self._floor = 0  # everything after this id, up to the head, is in memory
        self.head = 0
        """The id of the newest event that was announced."""
        self._closed = False
        self._waiting: set[asyncio.Event] = set()
        db.listen(self._announce)

    async def start(self) -> None:
        """Find the end of the log."""
        last = await self._db.read(newest)
        if not self._recent:  # else the first commit came before us and has set both
            self._floor = self.head = last

    def close(self) -> None:
        """End every stream, now. Call it on the event loop."""
        self._closed = True
        for woken in self._waiting:
            woken.set()

    @property
    def subscribers(self) -> int:
        """How many streams are open."""
        return len(self._waiting)

    def _announce(self, committed: list[Event]) -> None:
        if not self._recent:
            self._floor = committed[0].id - 1
        self._recent += committed
        self.head = committed[-1].id
        if len(self._recent) >= 2 * self._behind:  # in one go, so that its price per event is constant
            dropped = len(self._recent) - self._behind
            self._floor = self._recent[dropped - 1].id
            del self._recent[:dropped]
        for woken in self._waiting:
            woken.set()

    def wake(self) -> None:
        """Let every stream look whether it may go on. Call it on the event loop."""
        for woken in self._waiting:
            woken.set()

    def follow(self, wanted: Filter, after: int, audience: Audience = EVERYBODY) -> AsyncIterator[News]:
        """What happens after event `after`, until the feed is closed or its audience may not stay.

        Raises TooManySubscribers, at once.
        """
        if self._closed or len(self._waiting) >= self._limit:
            raise TooManySubscribers("No more event streams can be opened right now.", retry_after=5)
        return self._follow(wanted, after, audience)

    async def _follow(self, wanted: Filter, cursor: int, audience: Audience) -> AsyncIterator[News]:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            due = loop.time() + self._silence
            while not self._closed and audience.stays():
                woken.clear()
                news, cursor = await self._next(wanted, cursor)
                if not news and cursor == self.head:
                    await _wait(woken, due - loop.time())
                if news or loop.time() >= due:
                    yield news
                    due = loop.time() + self._silence
        finally:
            self._waiting.discard(woken)

    async def _next(self, wanted: Filter, cursor: int) -> tuple[News, int]:
        """News after `cursor`, and the new cursor: out of memory, else out of the log, else a Resync."""
        head = self.head
        if self._floor <= cursor <= head:
            recent = self._recent[bisect_right(self._recent, cursor, key=_id) :]
            return [event for event in recent if wanted.matches(event)], head
        if cursor > head:
            return Resync("The log ends before that event; it may have been restored from a backup.", head), head
        if head - cursor > self._behind:
            return Resync(f"More than {self._behind} events were missed.", head), head
        replayed = await self._db.read(_replay, wanted, cursor, head)
        if replayed is None:
            return Resync("The events after that one are no longer kept.", head), head
        return replayed


def _replay(tx: Tx, wanted: Filter, cursor: int, head: int) -> tuple[list[Event], int] | None:
    # Not beyond the head, although the log may already reach further: from there on memory goes on without a seam.
    if cursor < oldest(tx) - 1:
        return None
    return scan(tx, wanted.query(), cursor, head, CHUNK)


def _id(event: Event) -> int:
    return event.id


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()
