"""Know which rules are in force now: the stored ones over the defaults, looked up again whenever one changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from clustergenie.platform.telemetry import log
from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import LimiterDown
from clustergenie.ratelimit.rules import SCOPES, NewRule, Rule, RuleNotFound, Scope
from clustergenie.ratelimit.store import RuleStore

LOOK_SECONDS = 0.5
"""How often to look for changes of others; being told of one is faster, but is not certain."""


class Limit(msgspec.Struct, frozen=True):
    """A rule made ready to be applied."""

    rule: Rule
    terms: plan.Terms
    policy: str
    """What it is called in the RateLimit headers."""


class RulesInForce:
    """The rules of this process. `start` before use."""

    def __init__(self, store: RuleStore, defaults: Sequence[Rule] = ()) -> None:
        self._store = store
        self._defaults = {rule.place: rule for rule in defaults}
        self._rules: dict[tuple[str, Scope], Rule] = dict(self._defaults)
        self._limits: dict[str, tuple[Limit, ...]] = _ready(self._rules)
        self._changed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self.looked: Callable[[], Awaitable[None]] = _nothing
        """Called after each look for changes."""

    async def start(self) -> None:
        """Read the rules; a store that does not answer yet is asked again, and the defaults hold until then."""
        with contextlib.suppress(LimiterDown):
            await self.refresh()
        await self._store.follow(self._changed.set)
        self._keeping = asyncio.create_task(self._keep_up(), name="limits in force")

    async def stop(self) -> None:
        """Stop following changes."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        await self._store.close()

    @property
    def processes(self) -> int:
        """How many processes take from the same buckets."""
        return max(1, self._store.processes)

    def limits(self, name: str) -> tuple[Limit, ...]:
        """What holds for a limiter; empty where nothing does."""
        return self._limits.get(name, ())

    def rules(self) -> list[Rule]:
        """Every rule, also those that are switched off, by name and scope."""
        return sorted(self._rules.values(), key=lambda rule: (rule.name, SCOPES.index(rule.scope)))

    def get(self, name: str, scope: Scope | None = None) -> Rule:
        """One rule; without a scope the first that the limiter has. Raises RuleNotFound."""
        for wanted in [scope] if scope else SCOPES:
            if (rule := self._rules.get((name, wanted))) is not None:
                return rule
        which = f"for the scope {scope}" if scope else "for any scope"
        raise RuleNotFound(f"Nothing limits {name} {which}; see /observability/ratelimit/config/list.")

    async def put(self, new: NewRule) -> Rule:
        """Make or replace a rule; it holds here when this returns, and everywhere within a second."""
        rule = await self._store.put(new)
        await self.refresh()
        return rule

    async def remove(self, name: str, scope: Scope) -> Rule | None:
        """Delete a stored rule; the default of the settings that holds again, if any. Raises RuleNotFound."""
        if not await self._store.remove(name, scope):
            raise RuleNotFound(f"No limit is stored for {name} and the scope {scope}.")
        await self.refresh()
        return self._rules.get((name, scope))

    async def refresh(self) -> None:
        """Read the rules again. Raises LimiterDown; what was known then still holds."""
        rules = {**self._defaults, **{rule.place: rule for rule in await self._store.load()}}
        if rules != self._rules:
            self._rules, self._limits = rules, _ready(rules)
            log().info("limits changed", limits=[f"{rule.name}:{rule.scope} v{rule.version}" for rule in self.rules()])

    async def _keep_up(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if self._store.looks else None):
                    await self._changed.wait()
            self._changed.clear()
            try:
                with contextlib.suppress(LimiterDown):
                    await self.refresh()
                await self.looked()
            except Exception:  # noqa: BLE001 - else no change would ever be seen again
                log().exception("the limits could not be looked up")


async def _nothing() -> None:
    """Nobody wants to know."""


def _ready(rules: dict[tuple[str, Scope], Rule]) -> dict[str, tuple[Limit, ...]]:
    limits: dict[str, tuple[Limit, ...]] = {}
    for (name, scope), rule in sorted(rules.items(), key=lambda each: SCOPES.index(each[0][1])):
        if rule.enabled:
            limits[name] = (*limits.get(name, ()), Limit(rule, rule.terms(), f"{name}:{scope}"))
    return limits
