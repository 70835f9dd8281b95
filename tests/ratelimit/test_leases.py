"""Leases save round trips and never admit more than the bucket holds; what is not spent in time is lost."""

import asyncio
import random
from fractions import Fraction

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Key, LimiterDown
from clustergenie.ratelimit.leases import LEASE_MICROS, Leasing
from clustergenie.ratelimit.memory import MemoryBackend


class Watched(MemoryBackend):
    """Memory that counts the questions, and can be away."""

    def __init__(self, clock: list[int]) -> None:
        super().__init__(clock=lambda: clock[0])
        self.asked = 0
        self.away = False

    async def decide(self, asks: list[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:  # type: ignore[override]
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise LimiterDown("away")
        return await super().decide(asks, cost, upto)


def asks(rate: str, capacity: int) -> list[Ask]:
    """For two buckets of the same terms."""
    terms = plan.terms(Fraction(rate), capacity)
    return [Ask(Key("leased", "global", ""), terms), Ask(Key("leased", "user", "a"), terms)]


def rig(processes: int = 1) -> tuple[list[int], Watched, Leasing]:
    clock = [10**15]
    behind = Watched(clock)
    return clock, behind, Leasing(behind, lambda: processes, clock=lambda: clock[0])


def test_a_busy_scope_asks_seldom_and_gets_all_it_may_have() -> None:
    async def story() -> None:
        clock, behind, leasing = rig()
        wanted, admitted = asks("1000", 1000), 0
        for _ in range(20_000):
            clock[0] += 500
            admitted += (await leasing.decide(wanted)).granted
        assert 0.98 * 11_000 <= admitted <= 1000 + 1000 * 10
        assert behind.asked <= admitted

    asyncio.run(story())


def test_at_any_load_from_several_processes_no_more_is_admitted_than_the_bucket_has(seed: int) -> None:
    async def story(chance: random.Random) -> None:
        clock = [10**15]
        behind = Watched(clock)
        leasing = [Leasing(behind, lambda: 3, clock=lambda: clock[0]) for _ in range(3)]
        rate, capacity = chance.choice([1, 50, 3000]), chance.choice([1, 20, 500])
        wanted, admitted, begun = asks(str(rate), capacity), 0, clock[0]
        for _ in range(300):
            clock[0] += chance.choice([0, 10, 1000, 50_000, 2_000_000])
            crowd = [chance.choice(leasing).decide(wanted, chance.choice([1, 1, capacity])) for _ in range(20)]
            admitted += sum([each.granted for each in await asyncio.gather(*crowd)])
            assert admitted <= capacity + rate * Fraction(clock[0] - begun, 10**6)

    for number in range(10):
        asyncio.run(story(random.Random(seed + number)))


def test_what_is_leased_and_not_spent_is_gone_after_its_second() -> None:
    async def story() -> None:
        clock, behind, leasing = rig()
        wanted = asks("1000", 1000)
        for _ in range(40):
            assert (await leasing.decide(wanted)).granted == 1
        asked = behind.asked
        assert asked < 40
        clock[0] += LEASE_MICROS
        await leasing.decide(wanted)
        assert behind.asked == asked + 1

    asyncio.run(story())


def test_who_comes_seldom_leases_nothing() -> None:
    async def story() -> None:
        clock, behind, leasing = rig()
        wanted = asks("1000", 1000)
        for _ in range(5):
            clock[0] += 10**6
            await leasing.decide(wanted)
            assert behind.decide_now(wanted, 0).debts == (1000, 1000)

    asyncio.run(story())


def test_a_refusal_holds_until_the_next_token_and_is_not_asked_for_again() -> None:
    async def story() -> None:
        clock, behind, leasing = rig()
        wanted = asks("2", 1)
        assert (await leasing.decide(wanted)).granted == 1
        first = await leasing.decide(wanted)
        asked = behind.asked
        clock[0] += 200_000
        later = await leasing.decide(wanted)
        assert leasing.source == "recent"
        assert (first.granted, later.granted, behind.asked) == (0, 0, asked)
        waits = [plan.standing(wanted[0].terms, d.debts[0], d.waits[0]).retry_after for d in (first, later)]
        assert waits == [500_000, 300_000]
        clock[0] += 300_000
        assert (await leasing.decide(wanted)).granted == 1

    asyncio.run(story())


def test_new_terms_hold_at_once() -> None:
    async def story() -> None:
        _, _, leasing = rig()
        for _ in range(50):
            await leasing.decide(asks("1000", 1000))
        assert (await leasing.decide(asks("1000", 10))).granted == 0
        assert (await leasing.decide(asks("1000", 1000))).granted == 1

    asyncio.run(story())


def test_when_the_server_is_away_everyone_hears_of_it() -> None:
    async def story() -> None:
        _, behind, leasing = rig()
        behind.away = True
        answers = await asyncio.gather(*[leasing.decide(asks("1", 5)) for _ in range(10)], return_exceptions=True)
        assert all(isinstance(each, LimiterDown) for each in answers)
        behind.away = False
        assert (await leasing.decide(asks("1", 5))).granted == 1

    asyncio.run(story())


def test_memory_forgets_the_scope_that_was_asked_for_longest_ago() -> None:
    clock = [10**15]
    memory = MemoryBackend(limit=100, clock=lambda: clock[0])
    terms = plan.terms(Fraction(1), 1)
    for number in range(1000):
        memory.decide_now([Ask(Key("many", "user", str(number)), terms)])
    assert len(memory) == 100
    assert memory.decide_now([Ask(Key("many", "user", "999"), terms)]).granted == 0
    assert memory.decide_now([Ask(Key("many", "user", "0"), terms)]).granted == 1
