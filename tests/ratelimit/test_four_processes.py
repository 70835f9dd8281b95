"""Four processes on one Redis admit no more than the bucket holds and what comes back, and hardly less.

`CG_LIMITER_SECONDS=60 pytest tests/ratelimit/test_four_processes.py` runs it for a minute each.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.ratelimit.servers import RedisServer

SECONDS = float(os.environ.get("CG_LIMITER_SECONDS", "10"))
RATE, CAPACITY = 500, 200


@pytest.mark.slow
@pytest.mark.parametrize("how", ["plain", "leased"])
def test_the_bound_holds_and_is_used(redis: RedisServer, how: str) -> None:
    with Redis.from_url(redis.url) as connection:
        connection.flushall()
    command = [sys.executable, "-m", "tests.ratelimit.taker", redis.url, str(RATE), str(CAPACITY), str(SECONDS), how]
    with contextlib.ExitStack() as stack:
        takers = [stack.enter_context(_process(command)) for _ in range(4)]
        assert [taker.stdout.readline() for taker in takers] == ["ready\n"] * 4
        begin = time.time() + 0.5
        for taker in takers:
            taker.stdin.write(f"{begin}\n")
            taker.stdin.flush()
        admitted = sum(int(taker.stdout.readline()) for taker in takers)
        # A process that was held up ends a little late; from the first decision to the last is what counts.
        took = time.time() - begin
    sys.stdout.write(f"{how}: {admitted} admitted in {took:.2f} s of {CAPACITY + RATE * SECONDS:.0f} in {SECONDS} s\n")
    assert admitted <= CAPACITY + RATE * took
    assert admitted >= 0.98 * (CAPACITY + RATE * SECONDS)


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[Any]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
