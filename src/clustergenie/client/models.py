"""Name the fields of what the API returns; the values are the JSON objects themselves, unchanged."""

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]
JobStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


class Cluster(TypedDict):
    """A named set of droplets with a wanted size."""

    id: str
    name: str
    region: str
    status: str
    droplets: list[str]
    provider: NotRequired[str]
    size: NotRequired[str]
    image: NotRequired[str]
    wanted_size: NotRequired[int]
    active: NotRequired[int]
    health: NotRequired[str]
    checks: NotRequired[list[Json]]
    revision: NotRequired[int]
    version: NotRequired[int]
    created_at: NotRequired[str]
    updated_at: NotRequired[str]
    last_checked: NotRequired[str | None]
    trace_id: NotRequired[str]


class Droplet(TypedDict):
    """One machine."""

    id: str
    name: str
    status: str
    cluster_id: NotRequired[str | None]
    region: NotRequired[str]
    provider: NotRequired[str]
    size: NotRequired[str]
    image: NotRequired[str]
    status_reason: NotRequired[str]
    ip_address: NotRequired[str | None]
    port: NotRequired[int | None]
    machine_ref: NotRequired[str | None]
    hourly_usd_micros: NotRequired[int]
    last_seen_at: NotRequired[str | None]
    metrics: NotRequired[dict[str, float] | None]
    job_id: NotRequired[str | None]
    created_at: NotRequired[str]
    version: NotRequired[int]


class Job(TypedDict):
    """One piece of durable work."""

    id: str
    type: str
    status: JobStatus
    progress: int
    message: NotRequired[str | None]
    cluster_id: NotRequired[str | None]
    droplet_id: NotRequired[str | None]
    state: NotRequired[str]
    trace_id: NotRequired[str | None]
    result: NotRequired[Json | None]
    error: NotRequired[str | None]
    parameters: NotRequired[Json]
    attempt: NotRequired[int]
    max_attempts: NotRequired[int]
    priority: NotRequired[int]
    run_at: NotRequired[str | None]
    created_at: NotRequired[str]
    started_at: NotRequired[str | None]
    completed_at: NotRequired[str | None]


class Event(TypedDict):
    """Something that happened, in order per subject."""

    id: int | str
    seq: int
    type: str
    timestamp: str
    key: NotRequired[str]
    message: NotRequired[str]
    progress: NotRequired[int | None]
    job_id: NotRequired[str | None]
    job_type: NotRequired[str | None]
    cluster_id: NotRequired[str | None]
    droplet_id: NotRequired[str | None]
    trace_id: NotRequired[str | None]
    payload: NotRequired[Json]


class Schedule(TypedDict):
    """A job that is asked for by the clock."""

    id: str
    name: str
    cron: str
    type: str
    time_zone: NotRequired[str]
    parameters: NotRequired[Json]
    misfire: NotRequired[str]
    paused: NotRequired[bool]
    next_run_at: NotRequired[str | None]
    last_run_at: NotRequired[str | None]
    last_job_id: NotRequired[str | None]
    version: NotRequired[int]


class ClusterReply(TypedDict):
    """A cluster, and the job that changes it if there is one."""

    cluster: Cluster
    message: NotRequired[str]
    job: NotRequired[Job | None]


class DropletReply(TypedDict):
    """A droplet, and the job that changes it if there is one."""

    droplet: Droplet
    message: NotRequired[str]
    job: NotRequired[Job | None]


class JobReply(TypedDict):
    """A job."""

    job: Job
    message: NotRequired[str]


class ScheduleReply(TypedDict):
    """A schedule."""

    schedule: Schedule
    message: NotRequired[str]
