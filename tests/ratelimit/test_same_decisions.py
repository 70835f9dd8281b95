"""Memory, Redis and a token bucket of exact fractions decide the same, for any rates, scopes, costs and clocks."""

import asyncio
import os
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Key
from clustergenie.ratelimit.memory import MemoryBackend
from clustergenie.ratelimit.shared import RedisBackend, client
from tests.ratelimit.servers import RedisServer

START = 1_800_000_000_000_000
STORIES, STEPS = (20, 250) if os.environ.get("CG_HYPOTHESIS") != "thorough" else (200, 500)
RATES = ["0.2", "1", "3", "7.5", "50", "1234.567", "0.0001157", "999983", "5000000", "1e9", "0"]
CAPACITIES = [1, 2, 5, 100, 1000, 10**6]


class Bucket:
    """The textbook: tokens, filled by the time that went by, in exact fractions."""

    def __init__(self, terms: plan.Terms) -> None:
        self.terms, self.tokens, self.at = terms, Fraction(terms.capacity), 0

    def seen(self, now: int, terms: plan.Terms) -> Fraction:
        """The tokens at this moment."""
        if (terms.per_micro == 0) != (self.terms.per_micro == 0):
            return Fraction(terms.capacity)
        missing = self.terms.capacity - self.tokens
        if terms.rate:
            # What is missing is known as time: until when the bucket would have been full, and never more than that.
            full_at = self.at + missing * plan.MICROS / self.terms.rate
            if terms.per_micro != self.terms.per_micro:
                full_at = Fraction(-(-full_at // 1))
            missing = max(Fraction(0), (full_at - now) * terms.rate / plan.MICROS)
        return terms.capacity - min(missing, Fraction(terms.capacity))

    def keep(self, now: int, terms: plan.Terms, tokens: Fraction) -> None:
        """From now on, this holds."""
        self.at, self.terms, self.tokens = now, terms, tokens


class Exact:
    """All or none over textbook buckets."""

    def __init__(self) -> None:
        self.buckets: dict[Key, Bucket] = {}

    def decide(self, now: int, asks: list[Ask], cost: int, upto: int) -> tuple[int, list[int], list[int]]:
        here = [self.buckets.setdefault(ask.key, Bucket(ask.terms)) for ask in asks]
        tokens = [bucket.seen(now, ask.terms) for bucket, ask in zip(here, asks, strict=True)]
        waits = [self._wait(held, ask.terms, cost) for held, ask in zip(tokens, asks, strict=True)]
        must = [held for held, ask in zip(tokens, asks, strict=True) if ask.enforced]
        granted = 0 if any(held < cost for held in must) else min([max(cost, upto), *map(int, must)])
        for place, ask in enumerate(asks):
            if tokens[place] >= granted:
                tokens[place] -= granted
            if granted or not tokens[place]:
                here[place].keep(now, ask.terms, tokens[place])
        return granted, [int(held) for held in tokens], waits

    @staticmethod
    def _wait(held: Fraction, terms: plan.Terms, cost: int) -> int:
        if held >= cost:
            return 0
        return -(-(cost - held) * plan.MICROS // terms.rate) if terms.rate else plan.NEVER


class Step(NamedTuple):
    now: int
    asks: list[Ask]
    cost: int
    upto: int


def story(chance: random.Random, name: str) -> Iterator[Step]:
    """Requests of one to three scopes, on a clock that mostly runs, jumps, and is stepped back now and then."""
    now = START
    scopes = [Key(f"{name}", scope, one) for scope in ("global", "user", "cluster") for one in ("a", "b")]
    terms = {key: draw(chance) for key in scopes}
    for _ in range(STEPS):
        kind = chance.random()
        if kind < 0.02:
            now -= chance.choice([1, 1000, 10**6, 10**9])
        elif kind < 0.05:
            now += chance.choice([10**6, 10**8, 10**10])
        elif kind < 0.9:
            now += chance.choice([0, 1, 7, 999, chance.randrange(2_000_000)])
        elif kind < 0.92:
            key = chance.choice(scopes)
            terms[key] = draw(chance)
        keys = [chance.choice([key for key in scopes if key.scope == scope]) for scope in ("global", "user", "cluster")]
        chosen = chance.sample(keys, chance.randint(1, 3))
        most = min(terms[key].capacity for key in chosen)
        cost = chance.choice([0, 1, 1, 1, 1, most, chance.randint(1, most)])
        upto = chance.choice([0, 0, 0, cost, chance.randint(cost, 2 * most)]) if cost else 0
        yield Step(now, [Ask(key, terms[key], chance.random() < 0.9) for key in chosen], cost, upto)


def draw(chance: random.Random) -> plan.Terms:
    """Some rate and capacity that a rule may have."""
    while True:
        try:
            return plan.terms(Fraction(chance.choice(RATES)), chance.choice(CAPACITIES))
        except ValueError:
            continue


def test_every_decision_is_that_of_an_exact_token_bucket(redis: RedisServer, seed: int) -> None:
    async def compare() -> int:
        clock = [START]
        memory = MemoryBackend(clock=lambda: clock[0])
        exact, compared = Exact(), 0
        async with client(redis.url, timeout_seconds=30) as connection:
            shared = RedisBackend(connection, timeout_seconds=30, clock=lambda: clock[0])
            for number in range(STORIES * 5):
                for step in story(random.Random(f"{seed}-{number}"), f"s{number}"):
                    clock[0] = step.now
                    here = await memory.decide(step.asks, step.cost, step.upto)
                    there = await shared.decide(step.asks, step.cost, step.upto)
                    assert here == there, f"story {number}: {step}"
                    stands = [
                        plan.standing(ask.terms, owed, wait)
                        for ask, owed, wait in zip(step.asks, here.debts, here.waits, strict=True)
                    ]
                    told = (here.granted, [each.available for each in stands], [each.retry_after for each in stands])
                    assert told == exact.decide(step.now, step.asks, step.cost, step.upto), f"story {number}: {step}"
                    compared += 1
        return compared

    assert asyncio.run(compare()) >= 20_000


@pytest.mark.parametrize("back", [1, 1000, 10**6, 10**9, 10**13])
def test_a_clock_that_was_stepped_back_does_not_lock_anyone_out(back: int) -> None:
    clock = [START]
    memory = MemoryBackend(clock=lambda: clock[0])
    asks = [Ask(Key("a", "global", ""), plan.terms(Fraction(1), 5))]
    assert [memory.decide_now(asks).granted for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    clock[0] -= back
    memory.decide_now(asks)
    clock[0] += plan.MICROS * 2
    assert memory.decide_now(asks).granted == 1


def test_the_short_way_for_one_bucket_is_the_long_way(seed: int) -> None:
    chance = random.Random(seed)
    for number in range(20):
        for step in story(chance, f"one{number}"):
            ask = step.asks[0]
            cost = min(max(1, step.cost), ask.terms.capacity)
            owed = chance.randint(0, ask.terms.burst)
            state = plan.after(owed, step.now - chance.randint(-5, 10**7), ask.terms)
            short = plan.decide_one(step.now, state, ask.terms, cost)
            assert short == plan.decide(step.now, [state], [ask.terms], [True], cost, 0)


@pytest.mark.parametrize("rate", RATES[:-1])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_rate_is_kept_to_a_millionth(rate: str, capacity: int) -> None:
    wanted = Fraction(rate)
    try:
        found = plan.terms(wanted, capacity)
    except ValueError:
        assert capacity / wanted > 10 * 365 * 86400  # only what would take decades to fill
        return
    assert abs(found.rate - wanted) <= wanted / 10**6
    assert found.burst <= plan.MOST_TICKS


def test_the_script_is_loaded_again_when_the_server_has_forgotten_it(redis: RedisServer) -> None:
    async def forget() -> None:
        async with client(redis.url, timeout_seconds=30) as connection:
            shared = RedisBackend(connection, timeout_seconds=30)
            asks = [Ask(Key("forgets", "global", ""), plan.terms(Fraction(1), 100))]
            assert (await shared.decide(asks)).granted == 1
            await connection.script_flush()
            many = await asyncio.gather(*[shared.decide(asks) for _ in range(50)])
            assert [each.granted for each in many] == [1] * 50
            await connection.script_flush()
            assert (await shared.decide(asks)).granted == 1

    asyncio.run(forget())


def test_a_damaged_bucket_counts_as_a_fresh_one(redis: RedisServer) -> None:
    async def damage() -> None:
        async with Redis.from_url(redis.url) as connection:
            shared = RedisBackend(connection, timeout_seconds=30)
            asks = [Ask(Key("damaged", "global", ""), plan.terms(Fraction(1), 2))]
            await shared.decide(asks)
            (key,) = await connection.keys("{limiter:damaged}:*")
            await connection.set(key, "nonsense")
            assert [(await shared.decide(asks)).granted for _ in range(3)] == [1, 1, 0]

    asyncio.run(damage())
