"""What goes into a diagnosis, and what comes out: findings with evidence, cause and remedy."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from clustergenie.jobs import Job
from clustergenie.monitoring import Evidence
from clustergenie.platform.errors import NotFound

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
"""The worst first."""


class DiagnosisNotFound(NotFound):
    """There is no diagnosis with this id."""


class Case(msgspec.Struct, kw_only=True):
    """All that the rules look at."""

    health: Evidence
    failed_jobs: list[Job] = []
    """Of this cluster, within the last ten minutes; newest first."""
    messages: dict[str, str] = {}
    """What the jobs say that are to make the droplets real which are not up yet."""
    queue: dict[str, Any] = {}
    larger: dict[str, str] = {}
    """The next larger size of each size."""
    all_answered: bool = True
    """Whether every probe was answered or timed out before the rules had to decide."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to this API."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    body: dict[str, Any] | None = None


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done: in words, as a command line, as a request; and what that would change. Nothing is done yet."""

    action: str
    command: str
    api: Call
    dry_run: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a rule found."""

    rule: str
    severity: Severity
    title: str
    evidence: dict[str, Any]
    cause: str
    remedy: Remedy
    droplet_id: str | None = None


class Verdict(msgspec.Struct, kw_only=True):
    """What the rules made of a case; `evidence` says what was looked at."""

    severity: Severity
    summary: str
    insights: list[str]
    recommendations: list[str]
    findings: list[Finding]
    evidence: dict[str, Any]


class DiagnoseRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which cluster is to be diagnosed."""

    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)]


class Diagnosis(msgspec.Struct, kw_only=True):
    """A diagnosis as it is kept: worst finding first."""

    id: str
    cluster_id: str
    job_id: str | None
    trace_id: str
    created_at: dt.datetime
    took_ms: float
    severity: Severity
    summary: str
    insights: list[str]
    recommendations: list[str]
    findings: list[Finding]
    evidence: dict[str, Any]


class DiagnosisLine(msgspec.Struct, kw_only=True):
    """A diagnosis in a list."""

    id: str
    cluster_id: str
    job_id: str | None
    trace_id: str
    created_at: dt.datetime
    took_ms: float
    severity: Severity
    summary: str
    insights: list[str]
