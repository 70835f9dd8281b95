"""Keep buckets in this process: exact, at once, and never more of them than it was told."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Key

SCOPES = 100_000


def monotonic() -> int:
    """Microseconds of a clock that nobody can step."""
    return time.monotonic_ns() // 1000


class MemoryBackend:
    """Buckets of one event loop. Beyond `limit` scopes the one that was asked for longest ago is forgotten."""

    source = "memory"

    def __init__(self, *, limit: int = SCOPES, clock: Callable[[], int] = monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._states: OrderedDict[Key, plan.State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    async def decide(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """Take from all buckets or from none."""
        return self.decide_now(asks, cost, upto)

    def decide_now(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """The same, for who cannot wait."""
        if len(asks) == 1 and upto <= cost and asks[0].enforced:
            return self._decide_one(asks[0], cost)
        now, states = self._clock(), self._states
        decision = plan.decide(
            now,
            [states.get(ask.key) for ask in asks],
            [ask.terms for ask in asks],
            [ask.enforced for ask in asks],
            cost,
            upto,
        )
        for ask, owed in zip(asks, decision.debts, strict=True):
            if plan.is_kept(decision.granted, owed, ask.terms):
                self._keep(ask.key, plan.after(owed, now, ask.terms))
        return decision

    def _decide_one(self, ask: Ask, cost: int) -> plan.Decision:
        key, terms, now = ask.key, ask.terms, self._clock()
        decision = plan.decide_one(now, self._states.get(key), terms, cost)
        owed = decision.debts[0]
        if plan.is_kept(decision.granted, owed, terms):
            self._keep(key, plan.after(owed, now, terms))
        return decision

    def _keep(self, key: Key, state: plan.State) -> None:
        self._states[key] = state
        self._states.move_to_end(key)
        if len(self._states) > self._limit:
            self._states.popitem(last=False)
