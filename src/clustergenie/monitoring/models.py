"""What is measured and probed, and how a cluster's health is shown."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from clustergenie.clusters import Cluster

MOST_AT_ONCE = 1000

Verdict = Literal["ok", "refused", "hung", "unreachable", "wrong"]
"""How a probe ended. `hung`: the connection was accepted and nothing came; `wrong`: an answer, but not a good one."""

MetricType = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_.:-]*$(?!\n)")]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class MetricSpec(msgspec.Struct, forbid_unknown_fields=True):
    """One measured value of a droplet, or of a cluster as a whole; without a `timestamp`, of now."""

    type: MetricType
    value: Annotated[float, Meta(ge=-1e18, le=1e18)]
    cluster_id: Id | None = None
    droplet_id: Id | None = None
    unit: Annotated[str, Meta(max_length=32)] = ""
    timestamp: Annotated[dt.datetime, Meta(tz=True)] | None = None


class NewMetrics(msgspec.Struct, forbid_unknown_fields=True):
    """Measured values to keep; all of them or none are."""

    metrics: Annotated[list[MetricSpec], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Metric(msgspec.Struct, kw_only=True):
    """One measured value; with `step`, the average of `samples` values in the `step` seconds from `timestamp` on."""

    id: int | None
    cluster_id: str | None
    droplet_id: str | None
    type: str
    timestamp: dt.datetime
    value: float
    unit: str
    minimum: float | None = None
    maximum: float | None = None
    samples: int | None = None


class Check(msgspec.Struct, kw_only=True):
    """The last answer to one probe of one droplet. `ok` is null when it was not probed; `detail` says why."""

    name: str
    ok: bool | None
    detail: str
    verdict: Verdict | None = None
    latency_ms: float | None = None
    checked_at: dt.datetime | None = None
    consecutive_failures: int = 0
    failing_since: dt.datetime | None = None


class Facts(msgspec.Struct, kw_only=True):
    """All that is known about one droplet at one moment."""

    id: str
    name: str
    status: str
    status_reason: str
    provider: str
    size: str
    created_at: dt.datetime
    updated_at: dt.datetime
    ip_address: str | None = None
    port: int | None = None
    job_id: str | None = None
    last_seen_at: dt.datetime | None = None
    silent_seconds: float = 0.0
    """How long we have been listening without a word from its agent."""
    heartbeat_seconds: float = 0.0
    agent_version: str | None = None
    metrics: dict[str, float] = {}
    detail: dict[str, Any] = {}
    oom_kills: int = 0
    """Memory kills in the last minutes, and how long ago the last one was."""
    oom_seconds_ago: float = 0.0
    cpu_high_seconds: float = 0.0
    """For how long its processor has been busy without a break."""
    checks: list[Check] = []


class Broken(msgspec.Struct, kw_only=True):
    """A droplet that was lost or failed within the last minutes, and the one that took its place, if one did."""

    droplet_id: str
    name: str
    what: Literal["lost", "failed"]
    reason: str
    at: dt.datetime
    replaced_by: str | None = None
    replaced_by_name: str | None = None


class Evidence(msgspec.Struct, kw_only=True):
    """What is known about a cluster at one moment."""

    at: dt.datetime
    cluster: Cluster
    droplets: list[Facts]
    recent: list[Broken]
    lost_after_seconds: float


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be with a droplet, in words and in numbers.

    One that is not `serious` is worth knowing, but does not make the droplet unhealthy.
    """

    code: str
    words: str
    evidence: dict[str, Any]
    serious: bool = True


class DropletHealth(msgspec.Struct, kw_only=True):
    """How one droplet is; `reasons` say why it is not healthy."""

    id: str
    name: str
    status: str
    healthy: bool
    reasons: list[str]
    last_seen_at: dt.datetime | None
    ip_address: str | None
    metrics: dict[str, float] | None
    checks: list[Check]


class Health(msgspec.Struct, kw_only=True):
    """How a cluster is: its droplets, unhealthy ones first, at most 1,000; and what broke in the last minutes."""

    cluster_id: str
    name: str
    status: str
    summary: str
    checked_at: dt.datetime
    last_checked: dt.datetime | None
    wanted_size: int
    counts: dict[str, int]
    droplets: list[DropletHealth]
    recent: list[Broken]
