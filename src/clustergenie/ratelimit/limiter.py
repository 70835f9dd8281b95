"""Admit requests or refuse them: which buckets a request takes from, and what happens while Redis is away."""

import contextlib
import functools
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from clustergenie.platform.errors import Unavailable, invalid
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log
from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Backend, Key, LimiterDown
from clustergenie.ratelimit.in_force import Limit, RulesInForce
from clustergenie.ratelimit.memory import MemoryBackend
from clustergenie.ratelimit.metrics import Series, degraded
from clustergenie.ratelimit.rules import Rule, Scope

RETRY_WHILE_CLOSED_SECONDS = 1


class LimiterClosed(Unavailable):
    """The limiter cannot count, and its rule is to let nothing pass then."""


class Held(msgspec.Struct, frozen=True):
    """How one limit stood after a decision."""

    limit: Limit
    standing: plan.Standing
    refused: bool


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request; `held` has every limit that was asked, also those in shadow mode."""

    allowed: bool
    held: tuple[Held, ...]
    source: str


class Limiter:
    """The one door to limits."""

    def __init__(self, backend: Backend, rules: RulesInForce, *, local: MemoryBackend | None = None) -> None:
        self._backend, self.rules = backend, rules
        self._local = local or MemoryBackend()
        self._series = Series()
        self.degraded = False
        """Whether each process counts for itself."""
        rules.looked = self._look

    async def admit(
        self, names: Sequence[str], *, user: str = "", cluster: str | None = None, cost: int = 1
    ) -> Outcome | None:
        """Take `cost` tokens from every bucket of these limiters that the request is for, or from none.

        None where nothing limits it. Raises LimiterClosed while Redis is away and a rule says `deny`, and Invalid for a
        cost above the capacity, which could never be paid.
        """
        limits = [limit for name in names for limit in self.rules.limits(name)]
        if cluster is None and limits:
            limits = [limit for limit in limits if limit.rule.scope != "cluster"]
        if not limits:
            return None
        ids = {"global": "", "user": user, "cluster": cluster or ""}
        asks = [
            Ask(Key(limit.rule.name, limit.rule.scope, ids[limit.rule.scope]), limit.terms, not limit.rule.shadow)
            for limit in limits
        ]
        for ask in asks:
            if cost > ask.terms.capacity:
                raise invalid("cost", f"{cost} is more than {ask.key.limiter} ever has ({ask.terms.capacity})")
        try:
            decision = await self._backend.decide(asks, cost)
        except LimiterDown as reason:
            return self._on_our_own(limits, asks, cost, reason)
        source = self._backend.source
        if source == "redis":
            self._note_back()
        return self._outcome(limits, asks, decision, source)

    async def peek(self, name: str, scope: Scope, scope_id: str) -> tuple[Rule, plan.Standing, str]:
        """How a bucket stands; charges nothing. Raises RuleNotFound."""
        rule = self.rules.get(name, scope)
        ask = Ask(Key(rule.name, rule.scope, scope_id), rule.terms())
        try:
            decision = await self._backend.decide([ask], 0)
            source = self._backend.source
        except LimiterDown:
            ask = self._share(ask)
            decision, source = self._local.decide_now([ask], 0), "local"
        return rule, plan.standing(ask.terms, decision.debts[0], decision.waits[0]), source

    def heard(self, committed: list[Event]) -> None:
        """Drop the metrics of clusters that are gone; for `Database.listen`."""
        for event in committed:
            if event.type == "cluster_deleted" and event.cluster_id:
                self._series.forget_cluster(event.cluster_id)

    def _on_our_own(self, limits: list[Limit], asks: list[Ask], cost: int, reason: LimiterDown) -> Outcome | None:
        self._note_away(reason)
        closed = [limit for limit in limits if limit.rule.on_error == "deny" and not limit.rule.shadow]
        if closed:
            self._series.count(closed[0].rule.name, "denied", "none")
            raise LimiterClosed(
                f"The limiter {closed[0].rule.name} cannot reach Redis, and its rule is to refuse until it can.",
                retry_after=RETRY_WHILE_CLOSED_SECONDS,
            )
        counted = [place for place, limit in enumerate(limits) if limit.rule.on_error == "local"]
        if not counted:
            self._series.count(limits[0].rule.name, "allowed", "none")
            return None
        limits, asks = [limits[place] for place in counted], [self._share(asks[place]) for place in counted]
        most = min(ask.terms.capacity for ask in asks)
        return self._outcome(limits, asks, self._local.decide_now(asks, min(cost, most)), "local")

    def _share(self, ask: Ask) -> Ask:
        return Ask(ask.key, _share(ask.terms, self.rules.processes), ask.enforced)

    def _outcome(self, limits: list[Limit], asks: list[Ask], decision: plan.Decision, source: str) -> Outcome:
        allowed, held = decision.granted > 0, []
        for limit, ask, owed, wait in zip(limits, asks, decision.debts, decision.waits, strict=True):
            standing = plan.standing(ask.terms, owed, wait)
            refused = wait > 0
            held.append(Held(limit, standing, refused))
            self._series.tell(ask.key.limiter, limit.rule.scope, ask.key.id, standing.available, refused=refused)
            word = "denied" if refused and ask.enforced else "shadow_denied" if refused else "allowed"
            if refused or allowed:
                self._series.count(ask.key.limiter, word, source)
        return Outcome(allowed, tuple(held), source)

    async def _look(self) -> None:
        """See whether Redis is back, also while no request asks."""
        if self.degraded:
            with contextlib.suppress(LimiterDown):
                await self._backend.decide([_PROBE], 0)
                self._note_back()

    def _note_away(self, reason: LimiterDown) -> None:
        if not self.degraded:
            self.degraded = True
            degraded.set(1)
            log().warning(
                "limits are counted by each process for itself until Redis is back",
                reason=reason.detail,
                processes=self.rules.processes,
            )

    def _note_back(self) -> None:
        if self.degraded:
            self.degraded = False
            degraded.set(0)
            log().info("limits are counted in Redis again")


_PROBE = Ask(Key("probe", "global", ""), plan.terms(Fraction(1), 1))


@functools.lru_cache(maxsize=1024)
def _share(terms: plan.Terms, processes: int) -> plan.Terms:
    return plan.share(terms, processes)
