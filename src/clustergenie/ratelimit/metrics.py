"""Count what the limiter decides, under its public names; nobody outside can make the number of series grow."""

from collections import OrderedDict

from prometheus_client import Counter, Gauge

from clustergenie.platform.telemetry import registry
from clustergenie.ratelimit.rules import Scope

_LABELS = ("endpoint", "scope_type", "scope_id")
exceeded = Counter(
    "clustergenie_rate_limit_exceeded_total", "Requests that a limit refused, or would have in shadow mode.", _LABELS,
    registry=registry,
)  # fmt: skip
available = Gauge(
    "clustergenie_rate_limit_available_tokens", "Tokens that the last decision left.", _LABELS, registry=registry
)
decisions = Counter(
    "clustergenie_rate_limit_decisions_total",
    "Decisions, by where they were made: memory, redis, lease, recent (a refusal that still holds), local or none"
    " (Redis away).",
    ("endpoint", "decision", "source"), registry=registry,
)  # fmt: skip
degraded = Gauge(
    "clustergenie_rate_limit_degraded", "1 while Redis cannot be reached and each process counts for itself.",
    registry=registry,
)  # fmt: skip

CLUSTERS = 200
"""Clusters that get a series of their own, for each limiter; further ones share `_other`."""


class Series:
    """The series of this process, found fast."""

    def __init__(self, limit: int = CLUSTERS) -> None:
        self._limit = limit
        self._decisions: dict[tuple[str, str, str], Counter] = {}
        self._scopes: dict[tuple[str, Scope, str], tuple[Counter, Gauge]] = {}
        self._clusters: dict[str, OrderedDict[str, None]] = {}

    def count(self, endpoint: str, decision: str, source: str) -> None:
        """One decision."""
        key = (endpoint, decision, source)
        if (series := self._decisions.get(key)) is None:
            series = self._decisions[key] = decisions.labels(*key)
        series.inc()

    def tell(self, endpoint: str, scope: Scope, scope_id: str, tokens: int, *, refused: bool) -> None:
        """How one bucket stands."""
        key = (endpoint, scope, self._label(endpoint, scope, scope_id))
        if (series := self._scopes.get(key)) is None:
            series = self._scopes[key] = (exceeded.labels(*key), available.labels(*key))
        series[1].set(tokens)
        if refused:
            series[0].inc()

    def forget_cluster(self, cluster_id: str) -> None:
        """Drop the series of a cluster that is gone."""
        for endpoint, known in self._clusters.items():
            if known.pop(cluster_id, "") is None:
                key = (endpoint, "cluster", cluster_id)
                del self._scopes[endpoint, "cluster", cluster_id]
                exceeded.remove(*key)
                available.remove(*key)

    def _label(self, endpoint: str, scope: Scope, scope_id: str) -> str:
        if scope != "cluster":
            return "_user" if scope == "user" else "_all"
        known = self._clusters.setdefault(endpoint, OrderedDict())
        if scope_id in known:
            return scope_id
        if len(known) >= self._limit:
            return "_other"
        known[scope_id] = None
        return scope_id
