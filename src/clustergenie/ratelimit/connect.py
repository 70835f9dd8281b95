"""Build the limiter that the settings ask for: in memory with rules in SQL, or all of it in Redis."""

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.errors import CannotStart, Invalid
from clustergenie.platform.telemetry import log
from clustergenie.ratelimit.in_force import RulesInForce
from clustergenie.ratelimit.leases import Leasing
from clustergenie.ratelimit.limiter import Limiter
from clustergenie.ratelimit.memory import MemoryBackend
from clustergenie.ratelimit.rules import SCOPES, Rule, check
from clustergenie.ratelimit.rules_in_sql import SqlRules

PING_SECONDS = 0.5
INSTALL = "pip install 'clustergenie[redis]'"


class Service:
    """The limiter with what it lives on: start it before use, stop it after."""

    def __init__(
        self,
        limiter: Limiter,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
        ping: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.limiter, self._closing, self._ping = limiter, closing, ping

    async def trouble(self) -> str | None:
        """How Redis is: `ok` or a sentence; None where it is not used."""
        if self._ping is None:
            return None
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._ping()
        except Exception as failure:  # noqa: BLE001 - whatever keeps it from answering is what is asked for here
            return f"it does not answer ({type(failure).__name__}): each process counts limits for itself meanwhile"
        return "ok"

    async def start(self) -> None:
        """Read the rules and follow their changes."""
        await self.limiter.rules.start()

    async def stop(self) -> None:
        """Let go of the rules and of Redis."""
        await self.limiter.rules.stop()
        for close in self._closing:
            await close()


def defaults(settings: Settings) -> list[Rule]:
    """What the settings limit. Raises CannotStart for a limit that could not be kept."""
    wanted = [
        ("jobs_create", settings.jobs_scope, settings.jobs_rate, settings.jobs_cap),
        ("diagnosis", settings.diag_scope, settings.diag_rate, settings.diag_cap),
    ]
    rules = [
        Rule(name=name, scope=known, capacity=capacity, refill_rate=rate)
        for name, scope, rate, capacity in wanted
        for known in SCOPES
        if known == scope
    ]
    for rule in rules:
        try:
            check(rule.capacity, rule.refill_rate)
        except Invalid as reason:
            raise CannotStart(f"The settings limit {rule.name} in a way that cannot be kept: {reason}.") from None
    return rules


def build(settings: Settings, db: Database) -> Service:
    """Raises CannotStart where Redis is wanted and its library is missing or its address is none."""
    otherwise = defaults(settings)
    if not settings.redis_url:
        return Service(Limiter(MemoryBackend(), RulesInForce(SqlRules(db), otherwise)))
    if importlib.util.find_spec("redis") is None:
        raise CannotStart(f"CLUSTERGENIE_REDIS_URL is set, but the Redis library is not installed: {INSTALL}")
    shared: Any = importlib.import_module("clustergenie.ratelimit.shared")
    stored: Any = importlib.import_module("clustergenie.ratelimit.rules_in_redis")
    try:
        near, far = shared.client(settings.redis_url), shared.client(settings.redis_url, timeout_seconds=2.0)
    except ValueError as error:
        raise CannotStart(f"CLUSTERGENIE_REDIS_URL is not an address of Redis: {error}.") from None
    rules = RulesInForce(stored.RedisRules(far, SqlRules(db)), otherwise)
    backend = shared.RedisBackend(near)
    log().info("limits are counted in Redis")
    closing = [backend.close, near.aclose, far.aclose]
    return Service(Limiter(Leasing(backend, lambda: rules.processes), rules), closing, near.ping)
