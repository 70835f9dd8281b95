"""Wait for something to come true, with a deadline and the last thing seen in the failure."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 30.0  # a machine that pauses is no failure, and patience costs nothing where all is well


def poll_until(seen: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """The first truthy answer of `seen`; an AssertionError when there is none within `seconds`.

    An AssertionError or OSError out of `seen` means "not yet", so it may itself assert, or call a server that is
    still starting; the last one is the cause of the failure.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer, cause = _ask(seen)
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"Still not so after {seconds:g} s; last seen: {answer!r}.") from cause
        time.sleep(PAUSE_SECONDS)


async def poll_until_async(seen: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """As `poll_until`, for a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        answer: T | None = None
        cause: Exception | None = None
        try:
            answer = await seen()
        except (AssertionError, OSError) as not_yet:
            cause = not_yet
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"Still not so after {seconds:g} s; last seen: {answer!r}.") from cause
        await asyncio.sleep(PAUSE_SECONDS)


def _ask(seen: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return seen(), None
    except (AssertionError, OSError) as not_yet:
        return None, not_yet
