"""Count what came back, and sum it up. Latency runs from when a request was due, not from when it got its turn."""

import math
from collections import Counter
from typing import Any


class Tally:
    """The counts and latencies of a run."""

    def __init__(self) -> None:
        self.sent = 0
        self.accepted = 0
        self.limited = 0
        self.errors: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.latencies: list[float] = []

    def answered(self, kind: str, status: int, latency: float) -> None:
        """A status came back, `latency` seconds after the request was due."""
        self.sent += 1
        self.kinds[kind] += 1
        self.latencies.append(latency)
        if status < 300:
            self.accepted += 1
        elif status == 429:
            self.limited += 1
        else:
            self.errors[f"HTTP {status}"] += 1

    def lost(self, kind: str, reason: str) -> None:
        """No answer came."""
        self.sent += 1
        self.kinds[kind] += 1
        self.errors[reason] += 1

    def line(self, elapsed: float) -> str:
        """The totals so far."""
        failed = sum(self.errors.values())
        shown = f"{self.sent} sent, {self.accepted} accepted, {self.limited} limited (429), {failed} errors"
        return f"{elapsed:5.1f}s  {shown}, p95 {percentile(sorted(self.latencies[-2000:]), 95) * 1000:.1f} ms"

    def report(self, elapsed: float) -> dict[str, Any]:
        """The final numbers."""
        ordered = sorted(self.latencies)
        marks = {f"p{mark}": round(percentile(ordered, mark) * 1000, 2) for mark in (50, 95, 99)}
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "limited": self.limited,
            "errors": sum(self.errors.values()),
            "error_kinds": dict(self.errors),
            "kinds": dict(self.kinds),
            "seconds": round(elapsed, 2),
            "rate_per_second": round(self.sent / elapsed, 1) if elapsed else 0.0,
            "latency_ms": {**marks, "max": round(ordered[-1] * 1000, 2) if ordered else 0.0},
        }


def percentile(ordered: list[float], mark: float) -> float:
    """The nearest-rank percentile of a sorted list; 0 for an empty one."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * mark / 100) - 1))]
