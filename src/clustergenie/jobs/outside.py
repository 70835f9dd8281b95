"""Take jobs that another system asks for on the bus, as if they had been posted."""

import re
from typing import Any

import msgspec

from clustergenie import events
from clustergenie.jobs import kinds
from clustergenie.jobs.enqueue import enqueue_many
from clustergenie.jobs.models import Enqueue, JobRequest
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log, new_trace_id

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def asked(tx: Tx, event: Event) -> None:
    """Queue the job under the id that the event gives it; one that is there already stays as it is.

    Raises BadEvent with the reason for which `POST /jobs` would refuse it; it becomes a dead letter.
    """
    job_id = event.job_id or ""
    if _JOB_ID.fullmatch(job_id) is None:
        raise events.BadEvent(f"job_id {job_id[:100]!r} must be 1 to 96 letters, digits, '.', '_' or '-'.")
    try:
        request = msgspec.convert({"type": event.job_type, "parameters": _parameters(event)}, JobRequest)
        kind = kinds.public(request.type)
        item = Enqueue(kind, kinds.understand(kind, request.parameters, "/payload"), _trace(event), job_id=job_id)
        outcome = enqueue_many(tx, [item])[0]
    except (msgspec.ValidationError, Problem) as refusal:
        raise events.BadEvent(f"The job cannot be taken: {refusal}") from refusal
    if isinstance(outcome, Problem):
        raise events.BadEvent(f"The job cannot be taken: {outcome}") from outcome
    if outcome.created:
        log().info("job asked for on the bus", job_id=job_id, job_type=request.type, event_id=event.event_id)


def _parameters(event: Event) -> dict[str, Any]:
    """The payload; the cluster may also be named by the envelope alone."""
    kind = kinds.find(event.job_type or "")
    takes_cluster = kind is not None and "cluster_id" in kind.parameters.__struct_fields__
    about = {"cluster_id": event.cluster_id} if takes_cluster and event.cluster_id is not None else {}
    return {**about, **event.payload}


def _trace(event: Event) -> str:
    """The event's trace, which may be written as a UUID; a new one where it is none."""
    trace = (event.trace_id or "").replace("-", "").lower()
    return trace if re.fullmatch(r"[0-9a-f]{32}", trace) and int(trace, 16) else new_trace_id()


ASKED_OUTSIDE = events.Consumer(
    group="jobs-asked-outside",
    name="queues the jobs that other systems ask for",
    types=frozenset({"job_requested"}),
    handle=asked,
    origin="elsewhere",
)
