"""Measure the limiter beside `limits` and `throttled-py`, in one run: `python -m bench.limiter [--quick]`.

Needs redis-server, and `pip install limits throttled-py`, which nothing else of ours needs. Every row decides about one
hot scope that never runs dry, so that all of them do the same; rounds alternate, so that a noisy neighbour hits all.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from fractions import Fraction
from pathlib import Path

import limits
import throttled
import throttled.asyncio
import uvloop
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter as AsyncFixedWindow
from limits.aio.strategies import MovingWindowRateLimiter as AsyncMovingWindow
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from bench.server import free_port
from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, Key
from clustergenie.ratelimit.leases import Leasing
from clustergenie.ratelimit.memory import MemoryBackend
from clustergenie.ratelimit.shared import RedisBackend, client

RESULTS = Path(__file__).parent / "LIMITER.md"
RATE = 100_000_000
WINDOW = limits.RateLimitItemPerSecond(RATE)
QUOTA = throttled.rate_limiter.per_sec(RATE, burst=RATE)

Now = Callable[[], object]
Later = Callable[[], Awaitable[object]]
Row = tuple[float, float]
"""Decisions a second, and the 99th percentile of one in microseconds."""


def asks(scopes: int = 1) -> list[Ask]:
    """One bucket, or global, user and cluster together."""
    terms = plan.terms(Fraction(RATE), RATE)
    return [Ask(Key("bench", scope, "x"), terms) for scope in ("user", "global", "cluster")[:scopes]]


def timed(decide: Now, seconds: float) -> Row:
    """In a loop; the percentile from a second loop, since looking at the clock costs as much as deciding."""
    count, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) - begun < seconds:
        for _ in range(200):
            decide()
        count += 200
    rate = count / (now - begun)
    return rate, _p99([_one(decide) for _ in range(5000)])


def _one(decide: Now) -> float:
    begun = time.perf_counter_ns()
    decide()
    return (time.perf_counter_ns() - begun) / 1000


async def awaited(decide: Later, seconds: float, callers: int) -> Row:
    """From some tasks at once."""
    took: list[float] = []
    begun = time.perf_counter()

    async def call() -> None:
        while time.perf_counter() - begun < seconds:
            asked = time.perf_counter_ns()
            await decide()
            took.append((time.perf_counter_ns() - asked) / 1000)

    await asyncio.gather(*[call() for _ in range(callers)])
    return len(took) / (time.perf_counter() - begun), _p99(took)


def _p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


def in_memory() -> dict[str, Now]:
    """Everything that decides in this process."""
    ours, one, three = MemoryBackend(), asks(), asks(3)
    storage = MemoryStorage()
    fixed, moving = FixedWindowRateLimiter(storage), MovingWindowRateLimiter(storage)
    bucket = throttled.Throttled(using="token_bucket", quota=QUOTA, store=throttled.MemoryStore())
    gcra = throttled.Throttled(using="gcra", quota=QUOTA, store=throttled.MemoryStore())
    found: dict[str, Now] = {
        "**ours**, memory": lambda: ours.decide_now(one),
        "**ours**, memory, 3 scopes, all or none": lambda: ours.decide_now(three),
        "limits, memory, fixed window": lambda: fixed.hit(WINDOW, "x"),
        "throttled-py, memory, token bucket": lambda: bucket.limit("x"),
        "throttled-py, memory, GCRA": lambda: gcra.limit("x"),
    }
    # Its log of hits grows with every one: a full run of it would measure the garbage collector.
    small = limits.RateLimitItemPerSecond(1000)
    found["limits, memory, moving window (1,000/s, mostly refusals)"] = lambda: moving.hit(small, "y")
    return found


def in_redis(url: str) -> dict[str, tuple[Later, int]]:
    """Everything that decides in Redis, with how many tasks ask at once."""
    shared = RedisBackend(client(url), timeout_seconds=30)
    leasing = Leasing(RedisBackend(client(url), timeout_seconds=30))
    one, three = asks(), asks(3)
    storage = RedisStorage(f"async+{url}", implementation="redispy")
    fixed, moving = AsyncFixedWindow(storage), AsyncMovingWindow(storage)
    small = limits.RateLimitItemPerSecond(1000)
    theirs = throttled.asyncio.RedisStore(server=url)
    bucket = throttled.asyncio.Throttled(using="token_bucket", quota=QUOTA, store=theirs)
    gcra = throttled.asyncio.Throttled(using="gcra", quota=QUOTA, store=theirs)
    return {
        "**ours**, Redis, 1 caller": (lambda: shared.decide(one), 1),
        "limits, Redis, fixed window, 1 caller": (lambda: fixed.hit(WINDOW, "x"), 1),
        "limits, Redis, moving window (1,000/s), 1 caller": (lambda: moving.hit(small, "y"), 1),
        "throttled-py, Redis, token bucket, 1 caller": (lambda: bucket.limit("x"), 1),
        "throttled-py, Redis, GCRA, 1 caller": (lambda: gcra.limit("x"), 1),
        "**ours**, Redis, 3 scopes, all or none, 1 caller": (lambda: shared.decide(three), 1),
        "**ours**, Redis, 64 callers (pipelined)": (lambda: shared.decide(one), 64),
        "limits, Redis, fixed window, 64 callers": (lambda: fixed.hit(WINDOW, "x"), 64),
        "throttled-py, Redis, token bucket, 64 callers": (lambda: bucket.limit("x"), 64),
        "throttled-py, Redis, GCRA, 64 callers": (lambda: gcra.limit("x"), 64),
        "**ours**, Redis, leased, 1 caller": (lambda: leasing.decide(one), 1),
    }


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """A private one that keeps nothing."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cg-bench-") as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


async def measure(rounds: int, seconds: float) -> dict[str, list[Row]]:
    """Every row, several times, in turns."""
    found: dict[str, list[Row]] = {}
    with redis_server() as url:
        near, far = in_memory(), in_redis(url)
        for _ in range(rounds):
            for name, decide in near.items():
                found.setdefault(name, []).append(timed(decide, seconds))
            for name, (decide_later, callers) in far.items():
                found.setdefault(name, []).append(await awaited(decide_later, seconds, callers))
    return found


def main() -> None:
    """Run, print, and write LIMITER.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written")
    quick = parser.parse_args().quick
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(1 if quick else 5, 0.5 if quick else 1.5))
    rows = ["| what | decisions/s | p99, microseconds |", "|---|---|---|"]
    for name, several in found.items():
        rate, late = (statistics.median(row[place] for row in several) for place in (0, 1))
        rows.append(f"| {name} | {rate:,.0f} | {late:,.1f} |")
    text = "\n".join(rows)
    sys.stdout.write(f"{text}\n")
    if not quick:
        RESULTS.write_text(
            f"# Results of `python -m bench.limiter`\n\n{dt.datetime.now(dt.UTC):%Y-%m-%d}, {os.cpu_count()} cores"
            f" shared with redis-server, Python {sys.version.split()[0]}, load average {os.getloadavg()[0]:.1f}; beside"
            f" limits {limits.__version__} and throttled-py {throttled.__version__}. Medians of 5 rounds.\n\n{text}\n"
        )


if __name__ == "__main__":
    main()
