"""What a job is: as it is asked for, as it is kept, and as it is shown."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from clustergenie.auth import Actor
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict, Invalid, NotFound, Problem

if TYPE_CHECKING:
    from clustergenie.jobs.running import Running

State = Literal["scheduled", "ready", "running", "completed", "failed", "dead", "cancelled"]
Status = Literal["pending", "running", "completed", "failed", "cancelled"]
OnConflict = Literal["queue", "reject", "replace"]
Outcome = Literal["completed", "failed", "retry", "lost", "cancelled", "handed_back", "expired"]

LIVE_STATES = ("scheduled", "ready", "running")
STATES_OF: dict[str, tuple[str, ...]] = {
    "pending": ("scheduled", "ready"),
    "running": ("running",),
    "completed": ("completed",),
    "failed": ("failed", "dead"),
    "cancelled": ("cancelled",),
}
STATUS_OF: dict[str, Status] = {
    "scheduled": "pending",
    "ready": "pending",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "dead": "failed",
    "cancelled": "cancelled",
}

P = TypeVar("P")


class JobNotFound(NotFound):
    """There is no job with this id."""


class UnknownJobType(Invalid):
    """There is no job of this type."""


class KeyReused(Invalid):
    """This Idempotency-Key was used before with a different request."""


class JobConflict(Conflict):
    """Another job is already working on this."""


class JobEnded(Conflict):
    """The job has already ended."""


class JobLive(Conflict):
    """The job has not ended yet."""


class LostLease(Exception):
    """This attempt is no longer the job's current one: stop, and write nothing."""


class Fail(Exception):
    """Ends the job as failed at once, with this reason; trying again would not help."""


class Retry(Exception):
    """Ends this attempt; the job is tried again after `seconds` (None: the usual back-off)."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True)
class Lanes:
    """Where a job belongs: its cluster and droplet, what it must not overlap with, what must not be queued twice."""

    cluster_id: str | None = None
    droplet_id: str | None = None
    serial_key: str | None = None
    unique_key: str | None = None


@dataclass(frozen=True)
class Ended:
    """A job that has just ended, as its kind's `ended` hook sees it."""

    job_id: str
    state: str
    cluster_id: str | None
    droplet_id: str | None
    parameters: dict[str, Any]
    error: str | None
    trace_id: str


def _no_lanes(_parameters: Any) -> Lanes:
    return Lanes()


def _all_admitted(_tx: Tx, parameters: Sequence[Any]) -> "list[Problem | None]":
    return [None] * len(parameters)


def nothing_after(_tx: Tx, _ended: Ended) -> None:
    return None


@dataclass(frozen=True)
class Kind(Generic[P]):
    """A type of job.

    `admit(tx, parameters_list)` says for each request why it cannot be accepted, or None, in the transaction that
    would accept it. `ended` runs in the transaction that ends the job, however it ends.
    """

    name: str
    parameters: type[P]
    timeout_seconds: int = 300
    max_attempts: int = 5
    priority: int = 100
    public: bool = True
    lanes: Callable[[P], Lanes] = _no_lanes
    admit: "Callable[[Tx, Sequence[P]], list[Problem | None]]" = _all_admitted
    ended: Callable[[Tx, Ended], None] = nothing_after


@dataclass(frozen=True)
class Handler(Generic[P]):
    """What does the work of a kind. It must be safe to run twice from any step."""

    kind: Kind[P]
    run: "Callable[[Running[P]], Awaitable[dict[str, Any] | None]]"


class JobRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked for."""

    type: Annotated[str, Meta(min_length=1, max_length=64, description="provision, scale, diagnose, monitor, noop")]
    parameters: dict[str, str | int | float | bool | None] = {}
    priority: Annotated[int, Meta(ge=0, le=1000, description="Lower runs first.")] | None = None
    run_at: Annotated[dt.datetime, Meta(tz=True, description="Not before this moment.")] | None = None
    max_attempts: Annotated[int, Meta(ge=1, le=25)] | None = None
    on_conflict: OnConflict = "queue"
    unique_key: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$(?!\n)")] | None = None


@dataclass(slots=True)
class Enqueue:
    """A request that has been understood, on its way into the queue."""

    kind: Kind[Any]
    parameters: Any
    trace_id: str
    priority: int | None = None
    run_at: dt.datetime | None = None
    max_attempts: int | None = None
    on_conflict: OnConflict = "queue"
    unique_key: str | None = None
    idempotency_key: str | None = None
    request_hash: str = ""
    job_id: str | None = None
    asker: Actor | None = None
    """Whose rights it has to be within; None for the control plane itself."""
    lanes: Lanes = field(default_factory=Lanes)
    actor: Actor | None = None
    """Who asks for it from outside, and is to be found in the audit trail."""


class Job(msgspec.Struct, kw_only=True):
    """A job as it is shown."""

    id: str
    type: str
    status: Status
    state: State
    cluster_id: str | None
    droplet_id: str | None
    trace_id: str
    progress: int
    message: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    completed_at: dt.datetime | None
    result: dict[str, Any] | None
    error: str | None
    parameters: dict[str, Any]
    attempt: int
    max_attempts: int
    priority: int
    run_at: dt.datetime
    worker_id: str | None
    cancel_requested_at: dt.datetime | None
    created_by: str | None = None
    version: int


class Attempt(msgspec.Struct, kw_only=True):
    """One try at a job; `outcome` is `running` for the one under way."""

    attempt: int
    fence: int
    worker_id: str | None
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    outcome: str
    error: str | None


class Step(msgspec.Struct, kw_only=True):
    """Something a job did and remembers: an attempt after it does not do it again."""

    name: str
    fence: int
    at: dt.datetime


def shown(row: Any) -> Job:
    """The public form of a row of `jobs`."""
    values = {name: getattr(row, name) for name in Job.__struct_fields__ if name != "status"}
    return Job(status=STATUS_OF[row.state], **values)
