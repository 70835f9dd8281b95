"""Make up what is known about droplets and clusters, for tests of what is decided from it."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from clustergenie.clusters import Cluster
from clustergenie.monitoring import Broken, Check, Evidence, Facts

NOW = dt.datetime(2026, 1, 31, 12, 0, tzinfo=dt.UTC)
STATUSES = ("pending", "provisioning", "active", "draining", "deleting", "failed", "lost")


def facts(**known: Any) -> Facts:
    """A droplet that is well, but for what is named."""
    fields: dict[str, Any] = {
        "id": "droplet-1",
        "name": "web-001",
        "status": "active",
        "status_reason": "its agent reports",
        "provider": "local",
        "size": "s-1vcpu-1gb",
        "created_at": NOW - dt.timedelta(minutes=5),
        "updated_at": NOW - dt.timedelta(minutes=5),
        "ip_address": "127.0.0.1",
        "port": 20_000,
        "last_seen_at": NOW - dt.timedelta(seconds=1),
        "silent_seconds": 1.0,
        "heartbeat_seconds": 2.0,
        "agent_version": "1",
    }
    return Facts(**{**fields, **known})


def cluster(**known: Any) -> Cluster:
    """A cluster."""
    fields: dict[str, Any] = {
        **{name: None for name in ("region", "provider", "size", "image", "last_checked")},
        "id": "cluster-1",
        "name": "web",
        "checks": [],
        "status": "healthy",
        "health": "all 1 droplets are active",
        "wanted_size": 1,
        "active": 1,
        "droplets": [],
        "revision": 1,
        "version": 1,
        "trace_id": "ab" * 16,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Cluster(**{**fields, **known})


def evidence(known: list[Facts], of: Cluster | None = None, recent: list[Broken] | None = None) -> Evidence:
    """What is known about a cluster of these droplets."""
    return Evidence(at=NOW, cluster=of or cluster(), droplets=known, recent=recent or [], lost_after_seconds=20.0)


numbers = st.floats(0, 1e18) | st.sampled_from([0.0, 89.9, 90.0, 95.0, 97.0, 100.0])
moments = st.integers(-100_000, 0).map(lambda second: NOW + dt.timedelta(seconds=second))
checks = st.builds(
    Check,
    name=st.sampled_from(["agent", "tcp :80", "http :8080/"]),
    ok=st.sampled_from([True, False, None]),
    detail=st.text(max_size=20),
    verdict=st.sampled_from(["ok", "refused", "hung", "unreachable", "wrong", None]),
    consecutive_failures=st.integers(0, 10**9),
    failing_since=st.none() | moments,
)
random_facts = st.builds(
    Facts,
    id=st.text(min_size=1, max_size=8),
    name=st.text(min_size=1, max_size=8),
    status=st.sampled_from(STATUSES),
    status_reason=st.text(max_size=8),
    provider=st.sampled_from(["local", "simulated", "gone"]),
    size=st.sampled_from(["s-1vcpu-1gb", "s-4vcpu-8gb", "odd"]),
    created_at=moments,
    updated_at=moments,
    ip_address=st.none() | st.just("127.0.0.1"),
    port=st.none() | st.just(20_000),
    job_id=st.none() | st.just("job-1"),
    last_seen_at=st.none() | moments,
    silent_seconds=st.floats(0, 1e9),
    heartbeat_seconds=st.floats(0, 300),
    agent_version=st.none() | st.text(max_size=6),
    metrics=st.dictionaries(st.sampled_from(["cpu", "memory", "disk", "network_in"]), numbers),
    detail=st.dictionaries(
        st.sampled_from(["memory_limit_bytes", "memory_bytes", "throttled_percent", "oom_kills", "load1"]),
        numbers | st.none() | st.text(max_size=3),
    ),
    oom_kills=st.integers(0, 10**6),
    oom_seconds_ago=st.floats(0, 600),
    cpu_high_seconds=st.floats(0, 300),
    checks=st.lists(checks, max_size=3),
)
