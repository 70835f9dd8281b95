"""Act on another system's word that a cluster is over a limit: keep what it measured, and ask for one more droplet."""

from typing import Any

import msgspec

from clustergenie import events, jobs
from clustergenie.monitoring.intake import KNOWN_UNITS, record
from clustergenie.monitoring.models import MetricSpec
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.event import Event


def exceeded(tx: Tx, event: Event) -> None:
    """Queue a scale job, one at a time per cluster however often the word comes.

    The payload may say `action` and `by`, or `target_size`, as a scale job's parameters do. Raises BadEvent with the
    reason for which such a job would be refused.
    """
    payload = msgspec.convert(event.payload, events.Threshold, strict=False)
    try:
        if payload.metric is not None and payload.value is not None:
            record(tx, [_measured(event, payload)])
        kind = jobs.public("scale")
        wanted = jobs.understand(kind, _wish(event), "/payload")
        jobs.enqueue(tx, kind, wanted, unique_key=f"threshold:{event.cluster_id}", trace=_trace(event))
    except (msgspec.ValidationError, Problem) as refusal:
        raise events.BadEvent(f"The cluster cannot be scaled on this word: {refusal}") from refusal


def _measured(event: Event, payload: events.Threshold) -> MetricSpec:
    said: dict[str, Any] = {
        "cluster_id": event.cluster_id,
        "type": payload.metric,
        "value": payload.value,
        "unit": KNOWN_UNITS.get(payload.metric or "", ""),
        "timestamp": event.timestamp,
    }
    return msgspec.convert(said, MetricSpec)


def _wish(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = {
        name: event.payload[name] for name in ("target_size", "action", "by") if name in event.payload
    }
    return {"cluster_id": event.cluster_id, **(said or {"action": "scale_up"})}


def _trace(event: Event) -> str | None:
    trace = (event.trace_id or "").replace("-", "")
    return trace if len(trace) == 32 and trace.isalnum() else None


THRESHOLDS = events.Consumer(
    group="monitoring-thresholds",
    name="scales a cluster that another system says is over a limit",
    types=frozenset({"metric_threshold_exceeded"}),
    handle=exceeded,
    origin="elsewhere",
)
