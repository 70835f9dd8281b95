"""Hold everything that runs behind the API, and end it in the order that loses nothing."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from clustergenie import auth, droplets, events, jobs, providers, ratelimit
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log

STOP_SECONDS = 20.0
"""How long each part of a process may take to stop."""


@dataclass
class Runtime:
    """Everything that runs behind the API; the API's handlers get these by name."""

    settings: Settings
    db: Database
    live: events.Live
    bus: events.Bus
    fleet: droplets.Fleet
    desk: droplets.Desk
    pool: jobs.Pool
    drivers: providers.Registry
    ticker: jobs.Ticker
    limits: ratelimit.Service
    gate: auth.Gate
    reception: auth.Reception
    sequencer: events.Sequencer
    login: auth.OidcLogin
    draining: bool = False
    """Asked to stop: no longer ready, while requests and jobs under way are seen through."""
    hasten: asyncio.Event = field(default_factory=asyncio.Event)

    async def drain(self) -> None:
        """Before `stop`: take no more work, let load balancers see that we leave, and let jobs end, within a bound.

        `hasten` cuts it short.
        """
        self.draining = True
        seconds = self.settings.draining()
        await self.ticker.stop()
        await asyncio.gather(self.pool.drain(seconds, self.hasten), self._let_leave(seconds))

    async def _let_leave(self, seconds: float) -> None:
        if self.settings.role != "worker":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.hasten.wait()

    async def stop(self) -> None:
        """Stop in the order that loses nothing: no new work, hand back what runs, leave machines, then the database."""
        for stop in (
            self.ticker.stop,
            self.pool.stop,
            self.bus.stop,
            self.drivers.close,
            self.limits.stop,
            self.login.stop,
            self.gate.keyring.stop,
            self.sequencer.stop,
            self.db.stop,
        ):
            # A server that is away now must keep neither the rest from being closed nor the process from its end.
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await stop()
            except Unavailable as trouble:
                log().warning("could not stop in good order", error=trouble.detail)
            except TimeoutError:
                log().error("could not stop in time", what=stop.__qualname__, seconds=STOP_SECONDS)
