"""What a droplet is: as it is asked for, as it is kept, and as it is shown."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from clustergenie.platform.errors import Conflict, Gone, NotFound, Unauthenticated

Status = Literal["pending", "provisioning", "active", "draining", "deleting", "deleted", "failed", "lost"]

COMING = ("pending", "provisioning")
LIVE = ("pending", "provisioning", "active")
"""What counts towards a cluster's wanted size."""
LEAVING = ("draining", "deleting")
BROKEN = ("failed", "lost")

Name = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$(?!\n)")
]
Slug = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$(?!\n)")]


class DropletNotFound(NotFound):
    """There is no droplet with this id."""


class DropletNameTaken(Conflict):
    """Another droplet of the same cluster has this name."""


class DropletLeaving(Conflict):
    """The droplet is already being deleted."""


class TokenRefused(Unauthenticated):
    """The enrolment token or credential is unknown or has expired."""


class TokenUsed(Conflict):
    """The enrolment token was already used by somebody else."""


class DropletGone(Gone):
    """The droplet has been deleted; its agent must stop."""


class DropletSpec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is asked for; what is left out is taken from the cluster, then chosen by placement."""

    name: Name
    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    region: Slug | None = None
    size: Slug | None = None
    image: Slug | None = None
    provider: Slug | None = None


class Metrics(msgspec.Struct, kw_only=True):
    """What the agent last measured: percent of the droplet's size, network in bytes a second."""

    cpu: float | None
    memory: float | None
    disk: float | None
    network_in: float | None
    network_out: float | None
    detail: dict[str, Any]


class Droplet(msgspec.Struct, kw_only=True):
    """A droplet as it is shown."""

    id: str
    cluster_id: str | None
    name: str
    region: str
    provider: str
    size: str
    image: str
    status: Status
    status_reason: str
    created_at: dt.datetime
    updated_at: dt.datetime
    active_at: dt.datetime | None
    deleted_at: dt.datetime | None
    ip_address: str | None
    port: int | None
    machine_ref: str | None
    hourly_usd_micros: int
    job_id: str | None
    trace_id: str
    version: int
    last_seen_at: dt.datetime | None = None
    heartbeat_seconds: float | None = None
    uptime_seconds: float | None = None
    agent_version: str | None = None
    metrics: Metrics | None = None


_HEARD = ("last_seen_at", "heartbeat_seconds", "uptime_seconds", "agent_version", "metrics")
_OWN = tuple(name for name in Droplet.__struct_fields__ if name not in _HEARD)


def shown(row: Any) -> Droplet:
    """The public form of a row of `droplets`, joined with its vitals or not."""
    values = {name: getattr(row, name) for name in _OWN}
    seen = getattr(row, "last_seen_at", None)
    if seen is None:
        return Droplet(**values)
    metrics = Metrics(
        cpu=row.cpu,
        memory=row.memory,
        disk=row.disk,
        network_in=row.network_in,
        network_out=row.network_out,
        detail=row.detail or {},
    )
    return Droplet(
        **values,
        last_seen_at=seen,
        heartbeat_seconds=row.heartbeat_seconds,
        uptime_seconds=row.uptime_seconds,
        agent_version=row.agent_version,
        metrics=metrics,
    )
