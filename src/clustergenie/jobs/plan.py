"""Decide what becomes of an attempt and when a job runs again; pure."""

import datetime as dt
from typing import NamedTuple

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
LOSSES_UNTIL_DEAD = 3


class Fate(NamedTuple):
    """The state after an attempt, and for how long to wait when it is to be tried again."""

    state: str
    delay_seconds: float = 0.0
    reason: str = ""


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before attempt `attempt + 1`: doubling from 1 s to 5 min, spread by `jitter` in [0, 1) over ±25 %."""
    base = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt - 1, 20), LONGEST_BACKOFF_SECONDS)
    return base * (0.75 + 0.5 * jitter)


def after_failure(attempt: int, max_attempts: int, delay: float | None, jitter: float) -> Fate:
    """A handler raised something that may pass."""
    if attempt >= max_attempts:
        return Fate("failed", reason=f"gave up after {attempt} attempts")
    return Fate("scheduled", backoff(attempt, jitter) if delay is None else delay)


def after_loss(attempt: int, max_attempts: int, losses: int, *, cancel_requested: bool) -> Fate:
    """The worker died or lost its lease. `losses` counts those since the job last got a step further.

    A crash counts as an attempt: a job that kills its workers must not do so for ever. But one that advances between
    crashes is not the culprit, so only losses without progress make it dead.
    """
    if cancel_requested:
        return Fate("cancelled", reason="cancelled; its worker was lost before it could stop")
    if losses >= LOSSES_UNTIL_DEAD:
        return Fate("dead", reason=f"its worker was lost {losses} times in a row without getting any further")
    if attempt >= max_attempts + LOSSES_UNTIL_DEAD:
        return Fate("dead", reason=f"its worker was lost and {attempt} attempts are used up")
    return Fate("ready")


def aged(priority: int) -> int:
    """The priority of a job that has waited a while: a tenth of the way to the front, so that nothing starves."""
    return max(0, priority - max(1, priority // 10))


def slots_due(
    slots: list[dt.datetime], misfire: str, *, now: dt.datetime, grace: dt.timedelta = dt.timedelta(seconds=60)
) -> list[dt.datetime]:
    """Which of the slots that have passed are to fire: `all` of them, the last one (`fire_once`), or, with `skip`,
    only one that is not later than `grace`."""
    if not slots or misfire == "all":
        return slots
    last = slots[-1]
    if misfire == "skip" and now - last > grace:
        return []
    return [last]
