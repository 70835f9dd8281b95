"""Answer most requests of a busy scope without a round trip: tokens taken ahead, and refusals that still hold.

Tokens are debited before they are spent, so nothing can be granted twice; a lease that is not used up within its second
is lost, which costs a quiet scope at most what it held. A refusal says when the next token comes: until then the answer
is known.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Backend, Key, LimiterDown

LEASE_MICROS = 1_000_000
AHEAD = 10
"""A lease is what comes back in a tenth of a second, at most..."""
SHARE = 4
"""...and a quarter of this process's share of the bucket."""
WINDOW_MICROS = 100_000
SCOPES = 10_000

_Place = tuple[Key, ...]


@dataclass(slots=True)
class _Held:
    """What is known about the buckets of one kind of request."""

    asks: tuple[Ask, ...]
    answer: plan.Decision | None = None
    at: int = 0
    left: int = 0
    refusal: plan.Decision | None = None
    refused_until: int = 0
    refused_cost: int = 1
    window: int = 0
    wanted: int = 0
    busy: asyncio.Future[None] | None = field(default=None)


class Leasing:
    """A backend in front of another."""

    def __init__(
        self,
        behind: Backend,
        processes: Callable[[], int] = lambda: 1,
        *,
        limit: int = SCOPES,
        clock: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._behind, self._processes, self._limit, self._clock = behind, processes, limit, clock
        self._held: OrderedDict[_Place, _Held] = OrderedDict()
        self.source = behind.source
        """Where the last decision was made; read it before anything else is awaited."""

    async def decide(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """Take from all buckets or from none. Raises LimiterDown."""
        if cost < 1:  # only looking
            looked = await self._behind.decide(asks, cost, upto)
            self.source = self._behind.source
            return looked
        held = self._find(tuple(asks))
        while True:
            now = self._clock()
            if now - held.window > WINDOW_MICROS:
                held.window, held.wanted = now, 0
            held.wanted += cost
            if (known := self._known(held, now, cost)) is not None:
                return known
            if held.busy is None:
                return await self._fetch(held, cost)
            await held.busy  # one asks for all
            held.wanted -= cost

    def _find(self, asks: tuple[Ask, ...]) -> _Held:
        place = tuple([ask.key for ask in asks])
        held = self._held.get(place)
        if held is None or held.asks != asks:  # a rule that was changed holds from its first request on
            held = self._held[place] = _Held(asks)
            if len(self._held) > self._limit:
                self._held.popitem(last=False)
        self._held.move_to_end(place)
        return held

    def _known(self, held: _Held, now: int, cost: int) -> plan.Decision | None:
        if held.left >= cost and now - held.at < LEASE_MICROS:
            held.left -= cost
            self.source = "lease"
            return _with_left(held, cost)
        if now < held.refused_until and cost >= held.refused_cost and held.refusal is not None:
            self.source = "recent"
            return _later(held, held.refusal, now)
        return None

    async def _fetch(self, held: _Held, cost: int) -> plan.Decision:
        held.busy = asyncio.get_running_loop().create_future()
        try:
            answer = await self._behind.decide(held.asks, cost, max(cost, self._size(held)))
        except LimiterDown:
            held.left = 0
            raise
        finally:
            held.busy.set_result(None)
            held.busy = None
        now = self._clock()
        # What an old lease still had is spent with the new one: it was paid for less than a second ago.
        carried = held.left if answer.granted and now - held.at < LEASE_MICROS else 0
        held.answer, held.at = answer, now
        held.left = carried + answer.granted - cost if answer.granted else 0
        # Who took the last token knows as well as who found none when the next one comes.
        held.refused_cost = 1 if answer.granted else cost
        held.refusal = _following(held, answer) if answer.granted else answer
        held.refused_until = now + _next(held, held.refusal)
        self.source = self._behind.source
        return _with_left(held, cost) if answer.granted else answer

    def _size(self, held: _Held) -> int:
        """No more than was wanted in the last tenth of a second; nothing for who comes once."""
        size = held.wanted
        for ask in held.asks:
            if ask.enforced:
                terms = ask.terms
                ahead = terms.per_micro * plan.MICROS // (terms.interval * AHEAD)
                size = min(size, ahead, terms.capacity // (SHARE * max(1, self._processes())))
        return size


def _with_left(held: _Held, cost: int) -> plan.Decision:
    """The answer of the lease, with what is left of it not counted as gone."""
    answer = held.answer
    assert answer is not None
    if not held.left:
        return plan.Decision(cost, answer.debts, answer.waits)
    debts = tuple(
        [max(0, owed - held.left * ask.terms.interval) for owed, ask in zip(answer.debts, held.asks, strict=True)]
    )
    return plan.Decision(cost, debts, answer.waits)


def _next(held: _Held, answer: plan.Decision) -> int:
    """Microseconds for which a refusal holds: until the longest wait of what must be kept; at most a second."""
    longest = 0
    for ask, wait in zip(held.asks, answer.waits, strict=True):
        if ask.enforced and wait:
            longest = max(longest, -(-wait // ask.terms.per_micro) if ask.terms.per_micro else LEASE_MICROS)
    return min(longest, LEASE_MICROS)


def _following(held: _Held, answer: plan.Decision) -> plan.Decision:
    """What the bucket would say to the next one."""
    buckets = zip(answer.debts, held.asks, strict=True)
    waits = [max(0, owed + ask.terms.interval - ask.terms.burst) for owed, ask in buckets]
    return plan.Decision(0, answer.debts, tuple(waits))


def _later(held: _Held, answer: plan.Decision, now: int) -> plan.Decision:
    """The refusal as it reads by now."""
    gone = now - held.at
    debts, waits = [], []
    for ask, owed, wait in zip(held.asks, answer.debts, answer.waits, strict=True):
        back = gone * ask.terms.per_micro
        debts.append(max(0, owed - back))
        waits.append(max(1, wait - back) if wait else 0)
    return plan.Decision(0, tuple(debts), tuple(waits))
