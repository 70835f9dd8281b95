"""Ask a provider for something, and slow down when it says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clustergenie.providers import Throttled

T = TypeVar("T")

PATIENCE_SECONDS = 120.0
"""Being told to slow down is not a failure until it has gone on for this long."""
SHORTEST, LONGEST = 0.05, 30.0


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer to `ask()`, asked again for as long as the provider wants us to slow down. Raises Throttled."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except Throttled as throttled:
            pause = min(max(throttled.retry_after, SHORTEST), LONGEST)
            if time.monotonic() + pause > deadline:
                raise
        await asyncio.sleep(pause)
