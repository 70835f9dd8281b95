"""Say which events exist and what each carries: the contract with everyone who listens, here and outside."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec

from clustergenie.platform.errors import Invalid
from clustergenie.platform.event import Event

SCHEMA_VERSION = 1


class BadEvent(Invalid):
    """The event does not follow its schema."""


class Payload(msgspec.Struct, kw_only=True):
    """What an event carries beside its envelope. More fields may come; readers ignore what they do not know."""


class JobOutcome(Payload, kw_only=True):
    """How a job ended: its result, or the reason why there is none."""

    result: dict[str, Any] | None = None
    error: str | None = None


class Sample(msgspec.Struct, kw_only=True):
    """One measured value."""

    type: str
    value: float
    unit: str | None = None
    timestamp: str | None = None
    cluster_id: str | None = None
    droplet_id: str | None = None


class Telemetry(Payload, kw_only=True):
    """Measured values, as a list or under their four well-known names (percent; network in bytes a second)."""

    metrics: list[Sample] = []
    cpu: float | None = None
    memory: float | None = None
    disk: float | None = None
    network: float | None = None


class Threshold(Payload, kw_only=True):
    """A metric that went over its limit."""

    metric: str | None = None
    value: float | None = None
    threshold: float | None = None


Subject = Literal["job", "droplet", "cluster", "deployment"]


class EventType(msgspec.Struct, frozen=True):
    """One kind of event: what it says, whose it is (the subject's id is the key), and what it carries."""

    name: str
    summary: str
    subject: Subject
    payload: type[Payload] = Payload
    needs: tuple[str, ...] = ()
    """Fields of the envelope that such an event cannot be without."""


def _of(subject: Subject, name: str, summary: str, payload: type[Payload] = Payload, *also: str) -> EventType:
    return EventType(name, summary, subject, payload, (f"{subject}_id", *also))


_TYPES = (
    _of("job", "job_requested", "A job is asked for; the payload holds its parameters.", Payload, "job_type"),
    _of("job", "job_started", "A worker has begun the job."),
    _of("job", "job_progress", "The job is `progress` percent done; `message` says with what."),
    _of("job", "job_completed", "The job is done.", JobOutcome),
    _of("job", "job_failed", "The job ended without success; `message` says why.", JobOutcome),
    _of("job", "job_cancelled", "The job was cancelled."),
    _of("cluster", "cluster_created", "A cluster was created."),
    _of("cluster", "cluster_updated", "A cluster, or what is wanted of it, was changed."),
    _of("cluster", "cluster_deleted", "A cluster is gone."),
    _of("droplet", "droplet_created", "A droplet is wished for; its machine is ordered next."),
    _of("droplet", "droplet_updated", "The droplet's status changed; `message` says to what and why."),
    _of("droplet", "droplet_active", "The droplet's agent has reported; it can be used."),
    _of("droplet", "droplet_deleted", "The droplet and its machine are gone."),
    _of("droplet", "droplet_lost", "The droplet's machine is gone, or silent for too long."),
    _of("droplet", "droplet_migrated", "The droplet moved to another provider."),
    EventType("deployment_started", "A rollout has begun.", "deployment"),
    EventType("deployment_step", "A rollout took a step.", "deployment"),
    EventType("deployment_completed", "A rollout is done.", "deployment"),
    EventType("deployment_failed", "A rollout stopped without success.", "deployment"),
    EventType("deployment_rolled_back", "The version from before the rollout serves again.", "deployment"),
    _of("cluster", "metric_threshold_exceeded", "A metric went over its limit.", Threshold),
    _of("cluster", "autoscale_decision", "The autoscaler decided; `message` says what and why."),
    _of("cluster", "diagnosis_completed", "A diagnosis is ready."),
    EventType("metrics", "Measured values.", "cluster", Telemetry),
)

CATALOGUE: dict[str, EventType] = {kind.name: kind for kind in _TYPES}

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Incoming(msgspec.Struct, kw_only=True):
    """An event as another system may write it; what the type needs beyond `type` is in the catalogue."""

    type: Word
    event_id: Word | None = None
    key: Id | None = None
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    job_id: Id | None = None
    job_type: Word | None = None
    cluster_id: Id | None = None
    droplet_id: Id | None = None
    progress: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    message: str = ""
    timestamp: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    trace_id: Word | None = None
    payload: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION


_INCOMING = msgspec.json.Decoder(Incoming)


def parse(raw: bytes, default_id: str | None = None) -> Event:
    """The event that another system wrote. Raises BadEvent with the reason, which names the field.

    Without an `event_id` it gets `default_id`, or else a new one, by which copies of it cannot be told.
    """
    try:
        incoming = _INCOMING.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent(f"The event cannot be read: {error}.") from error
    fields = {name: value for name, value in msgspec.structs.asdict(incoming).items() if value is not None}
    if default_id is not None:
        fields.setdefault("event_id", default_id)
    event = Event(**{"key": _subject(incoming), **fields})
    check(event)
    return event


def _subject(event: Incoming) -> str:
    """The id of whom the event is about, as far as it says."""
    kind = CATALOGUE.get(event.type)
    own = getattr(event, f"{kind.subject}_id", None) if kind else None
    return own or event.job_id or event.droplet_id or event.cluster_id or ""


def check(event: Event) -> None:
    """Hold an event against its schema. Raises BadEvent."""
    kind = CATALOGUE.get(event.type)
    if kind is None:
        raise BadEvent(f"There is no event type {event.type!r}.")
    if not 1 <= event.schema_version <= SCHEMA_VERSION:
        raise BadEvent(
            f"The event has schema version {event.schema_version}; this version knows up to {SCHEMA_VERSION}."
        )
    missing = [name for name in ("key", *kind.needs) if not getattr(event, name)]
    if missing:
        raise BadEvent(f"A {event.type} event needs {' and '.join(missing)}.")
    try:
        msgspec.convert(event.payload, kind.payload, strict=False)
    except msgspec.ValidationError as error:
        raise BadEvent(f"The payload of this {event.type} event does not follow its schema: {error}.") from error
