"""Do something every few seconds, in one process only: a dumb loop round a function that is tested by itself."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter

from clustergenie.platform import leases
from clustergenie.platform.db import Database, Tx, provided
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log, registry

LEASE_SECONDS = 10.0
ASK_SECONDS = 1.0
"""How long a process that does not lead waits before it asks again."""
GAP_SECONDS = 0.1
"""However often a tick is nudged, this is left between rounds for the rest of the process."""

failures = Counter("clustergenie_tick_failures_total", "Rounds that raised.", ("tick",), registry=registry)


@dataclass
class Tick:
    """`run()` every `seconds`, sooner when `nudge`d. One process at a time does it: whoever holds its lease."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]
    everywhere: bool = False
    """Every process does it for itself."""
    nudged: asyncio.Event = field(default_factory=asyncio.Event)

    def nudge(self) -> None:
        """Run soon; many nudges are one."""
        self.nudged.set()


class TermOver(Exception):
    """Somebody else has the lease: what was about to be written is theirs to write, or not."""


class Ticker:
    """Runs the ticks of this process."""

    def __init__(self, db: Database, holder: str, ticks: Sequence[Tick]) -> None:
        self._db, self._holder, self._ticks = db, holder, ticks
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._loop(tick), name=f"tick {tick.name}") for tick in self._ticks]

    async def stop(self) -> None:
        """End the rounds under way and give the leases back."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for tick in self._ticks:
            if not tick.everywhere:
                with contextlib.suppress(Unavailable):  # then it runs out by itself
                    await self._db.write(leases.release, tick.name, self._holder)

    async def _loop(self, tick: Tick) -> None:
        term = _Term(self._db, tick.name, self._holder)
        while True:
            try:
                if tick.everywhere:
                    await tick.run()
                elif await term.ours():
                    with provided(term.check):
                        await tick.run()
            except TermOver:
                term.over()
                log().info("another process leads now", tick=tick.name)
            except Unavailable as trouble:
                failures.labels(tick.name).inc()
                log().warning("tick failed", tick=tick.name, error=trouble.detail)
            except Exception:  # noqa: BLE001 - a round that fails is counted and said; the next one must still come
                failures.labels(tick.name).inc()
                log().exception("tick failed", tick=tick.name)
            await asyncio.sleep(min(GAP_SECONDS, tick.seconds))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(tick.seconds):
                    await tick.nudged.wait()
            tick.nudged.clear()


class _Term:
    """The right to do one thing, for as long as nobody else has it."""

    def __init__(self, db: Database, name: str, holder: str) -> None:
        self._db, self._name, self._holder = db, name, holder
        self._trusted_until = 0.0
        self._ask_after = 0.0
        self._term = 0

    async def ours(self) -> bool:
        """Whether the lease is ours; it is asked for where the local clock can no longer tell."""
        # The local clock may be trusted for less than the lease: our term must end before another's can begin.
        asked_at = time.monotonic()
        if asked_at > max(self._trusted_until, self._ask_after):
            term = await self._db.write(leases.acquire, self._name, self._holder, LEASE_SECONDS)
            if term is None:  # whoever leads is not to be disturbed by every nudge that we hear of too
                self._ask_after = asked_at + ASK_SECONDS
            else:
                self._term, self._trusted_until = term, asked_at + LEASE_SECONDS / 2
        return time.monotonic() <= self._trusted_until

    def over(self) -> None:
        """Ask before the next round."""
        self._trusted_until = self._ask_after = 0.0

    def check(self, tx: Tx) -> None:
        """The fence before every write of a round: a process that slept through its term changes nothing."""
        if not leases.holds(tx, self._name, self._holder, self._term):
            raise TermOver(self._name)
