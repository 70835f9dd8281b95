"""Decide whether requests pass several buckets at once, all or none: GCRA inside, a token bucket to look at.

A bucket keeps one number, the moment at which it will be full again (the theoretical arrival time of GCRA, ITU-T I.371
and https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). Time is whole microseconds. A rate is `per_micro` tokens
in `interval` microseconds, in lowest terms, so that 3/s and 5,000,000/s are as exact as 0.2/s; the unit of debt is the
tick, 1/per_micro of a microsecond: a token costs `interval` ticks. `decide.lua` does the same, number for number.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

MICROS = 1_000_000
MOST_TICKS = 2**52
"""Of a whole bucket: what a Lua number holds exactly, with room to add."""
NEVER = -1
"""The time until a bucket without refill has more."""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What a bucket promises, in whole numbers. Without refill `per_micro` is 0, and a tick is a token."""

    interval: int
    per_micro: int
    capacity: int
    burst: int

    @property
    def rate(self) -> Fraction:
        """Tokens a second; exact."""
        return Fraction(self.per_micro * MICROS, self.interval) if self.per_micro else Fraction(0)


class State(msgspec.Struct, frozen=True, gc=False):
    """When the bucket is full again: `whole` microseconds and `rest` ticks, counted with the `per_micro` of then.

    Without refill `rest` is how many tokens are gone.
    """

    whole: int
    rest: int
    per_micro: int


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was granted (0: refused), and for each bucket its debt after it and how much too early it was, in ticks."""

    granted: int
    debts: tuple[int, ...]
    waits: tuple[int, ...]


class Standing(msgspec.Struct, frozen=True, gc=False):
    """A bucket as a token bucket; times in microseconds from now, NEVER where they do not come."""

    capacity: int
    available: int
    retry_after: int
    next_token: int
    reset: int


def terms(rate: Fraction, capacity: int) -> Terms:
    """The terms for `rate` tokens a second: exact where its numbers are small enough, else within a millionth.

    Raises ValueError where a bucket would take more than MOST_TICKS to fill.
    """
    if rate == 0:
        return Terms(1, 0, capacity, capacity)
    # Above one token a microsecond the numerator is the larger part, and is what has to stay small.
    per_tick = (rate / MICROS).limit_denominator(min(MOST_TICKS // capacity, MICROS if rate > MICROS else MOST_TICKS))
    if abs(per_tick * MICROS - rate) * MICROS > rate:
        raise ValueError(f"{capacity} tokens at {float(rate):g} a second take too long to fill")
    return Terms(per_tick.denominator, per_tick.numerator, capacity, per_tick.denominator * capacity)


def share(whole: Terms, parts: int) -> Terms:
    """One of `parts` equal shares of a bucket; a share holds at least one token."""
    if parts <= 1:
        return whole
    return terms(whole.rate / parts, max(1, whole.capacity // parts))


def debt(state: State | None, now: int, of: Terms) -> int:
    """Ticks until the bucket is full, at `now`.

    A clock that was stepped back, or a capacity that was lowered, can leave a bucket empty, never emptier.
    """
    per_micro = of.per_micro
    if state is None or (state.per_micro == 0) != (per_micro == 0):
        return 0
    if state.per_micro == per_micro:
        owed = (state.whole - now) * per_micro + state.rest
    else:  # the rate was changed; a part of a microsecond counts as a whole one
        owed = (state.whole + (state.rest > 0) - now) * per_micro
    return 0 if owed < 0 else owed if owed < of.burst else of.burst


def is_kept(granted: int, owed: int, of: Terms) -> bool:
    """Whether a decision is written down: if it took something, and also if it found nothing at all.

    A bucket that was left in the future by a clock stepped back, or in a debt above its new capacity, would otherwise
    stay empty until that future has come.
    """
    return granted > 0 or owed >= of.burst


def after(owed: int, now: int, of: Terms) -> State:
    """What to keep of a bucket that owes so many ticks at `now`."""
    if of.per_micro == 0:
        return State(0, owed, 0)
    return State(now + owed // of.per_micro, owed % of.per_micro, of.per_micro)


def decide(
    now: int, states: Sequence[State | None], buckets: Sequence[Terms], enforced: Sequence[bool], cost: int, upto: int
) -> Decision:
    """Take from all buckets or from none: `cost` tokens, and up to `upto` where all have them. `cost` 0 only looks.

    A bucket that is not enforced refuses nothing: its wait is told, and it is charged where it can pay.
    """
    debts = [debt(state, now, of) for state, of in zip(states, buckets, strict=True)]
    waits = [max(0, owed + of.interval * cost - of.burst) for owed, of in zip(debts, buckets, strict=True)]
    granted = max(cost, upto)
    for owed, wait, of, must in zip(debts, waits, buckets, enforced, strict=True):
        if must:
            granted = 0 if wait else min(granted, (of.burst - owed) // of.interval)
    if granted:
        owing = [owed + of.interval * granted for owed, of in zip(debts, buckets, strict=True)]
        debts = [more if more <= of.burst else owed for more, owed, of in zip(owing, debts, buckets, strict=True)]
    return Decision(granted, tuple(debts), tuple(waits))


def decide_one(now: int, state: State | None, of: Terms, cost: int) -> Decision:
    """`decide` for the commonest case, one enforced bucket and no more than the cost, at a third of the time."""
    owed = debt(state, now, of)
    more = owed + of.interval * cost
    if more > of.burst:
        return Decision(0, (owed,), (more - of.burst,))
    return Decision(cost, (more,), (0,))


def standing(of: Terms, owed: int, wait: int) -> Standing:
    """The token bucket behind a debt and a wait."""
    available = (of.burst - owed) // of.interval
    if of.per_micro == 0:
        return Standing(of.capacity, available, NEVER if wait else 0, NEVER if owed else 0, NEVER if owed else 0)
    missing = owed - (of.burst - (available + 1) * of.interval) if owed else 0
    return Standing(of.capacity, available, *(-(-ticks // of.per_micro) for ticks in (wait, missing, owed)))
