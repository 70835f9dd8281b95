"""Tell the time, and say it the one way the product says it: aware, UTC, RFC 3339."""

import datetime as dt
import time
from collections.abc import Callable

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)

Clock = Callable[[], dt.datetime]


def now() -> dt.datetime:
    """The wall clock. Inside a transaction use `tx.now`, so that one transaction sees one moment."""
    return EPOCH + dt.timedelta(microseconds=time.time_ns() // 1000)


def micros(moment: dt.datetime) -> int:
    """Whole microseconds since the epoch; exact, unlike `timestamp()`."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(value: int) -> dt.datetime:
    """The moment that many microseconds after the epoch."""
    return EPOCH + dt.timedelta(microseconds=value)


def rfc3339(moment: dt.datetime) -> str:
    """`2026-01-31T09:30:00.123456Z`."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
