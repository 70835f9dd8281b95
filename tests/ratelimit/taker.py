"""One of several processes that take from the same bucket as fast as they are let: prints how many were admitted.

`python -m tests.ratelimit.taker <redis url> <rate> <capacity> <seconds> <leased|plain>`: says "ready", and begins at
the moment (seconds since 1970) that it then reads.
"""

import asyncio
import sys
import time
from fractions import Fraction

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Backend, Key, LimiterDown
from clustergenie.ratelimit.leases import Leasing
from clustergenie.ratelimit.shared import RedisBackend, client

CALLERS = 8


async def take(backend: Backend, asks: list[Ask], end: float) -> int:
    """Until the end, never faster than the loop lets others run."""
    admitted = 0
    while time.time() < end:
        try:
            decision = await backend.decide(asks)
        except LimiterDown:
            continue
        admitted += decision.granted > 0
        if not decision.granted:
            await asyncio.sleep(0.001)
    return admitted


async def main(url: str, rate: str, capacity: str, seconds: str, how: str) -> None:
    """Take."""
    asks = [Ask(Key("taken", scope, "x"), plan.terms(Fraction(rate), int(capacity))) for scope in ("global", "user")]
    async with client(url, timeout_seconds=30) as connection:
        # The limit on time is not what is tested here, and this machine may be busy.
        shared = RedisBackend(connection, timeout_seconds=30)
        backend: Backend = Leasing(shared, lambda: 4) if how == "leased" else shared
        await backend.decide(asks, 0)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        begin = float(await asyncio.to_thread(sys.stdin.readline))
        await asyncio.sleep(max(0.0, begin - time.time()))
        end = begin + float(seconds)
        counts = await asyncio.gather(*[take(backend, asks, end) for _ in range(CALLERS)])
    sys.stdout.write(f"{sum(counts)}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
