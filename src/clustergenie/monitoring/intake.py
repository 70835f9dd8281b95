"""Take in measurements from outside: over HTTP, and from `metrics` events."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert

from clustergenie import auth, clusters, droplets, events
from clustergenie.monitoring.models import MOST_AT_ONCE, MetricSpec
from clustergenie.monitoring.tables import metrics
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import NotFound, Problem, invalid
from clustergenie.platform.event import Event

AHEAD = dt.timedelta(minutes=5)
"""How far a clock may be ahead of ours."""
KNOWN_UNITS = {"cpu": "%", "memory": "%", "disk": "%", "network": "B/s"}


class MeasuredNothing(NotFound):
    """A measurement names a droplet that does not exist."""


def record(tx: Tx, specs: Sequence[MetricSpec]) -> int:
    """Keep measured values, all or none; how many. Raises ClusterNotFound, MeasuredNothing, Invalid."""
    there = droplets.homes(tx, sorted({spec.droplet_id for spec in specs if spec.droplet_id is not None}))
    homes = {droplet_id: home for droplet_id, home in there.items() if auth.admits(home)}
    named = sorted({spec.cluster_id for spec in specs if spec.cluster_id is not None})
    for problem in clusters.Members().objections(tx, named).values():
        if isinstance(problem, NotFound):  # one that is being deleted may still be measured
            raise problem
    rows = [_row(spec, place, homes, tx.now) for place, spec in enumerate(specs)]
    if rows:
        tx.execute(insert(metrics), rows)
    return len(rows)


def _row(spec: MetricSpec, place: int, homes: Mapping[str, str | None], now: dt.datetime) -> dict[str, Any]:
    at = f"/metrics/{place}"
    cluster_id = spec.cluster_id
    if spec.droplet_id is not None:
        if spec.droplet_id not in homes:
            raise MeasuredNothing(f"There is no droplet {spec.droplet_id!r}; GET /api/v1/droplets lists them.")
        home = homes[spec.droplet_id]
        if cluster_id not in (None, home):
            raise invalid(f"{at}/cluster_id", f"{spec.droplet_id} does not belong to {cluster_id}")
        cluster_id = home
    elif cluster_id is None:
        raise invalid(at, "name a cluster_id or a droplet_id: whose measurement is it?")
    if spec.timestamp is not None and spec.timestamp > now + AHEAD:
        raise invalid(f"{at}/timestamp", "is in the future")
    if not math.isfinite(spec.value):
        raise invalid(f"{at}/value", "must be a finite number")
    return {
        "cluster_id": cluster_id,
        "droplet_id": spec.droplet_id,
        "type": spec.type,
        "timestamp": spec.timestamp or now,
        "value": spec.value,
        "unit": spec.unit,
    }


def heard(tx: Tx, event: Event) -> None:
    """Keep what a `metrics` event carries. Raises BadEvent for one that cannot be kept; it becomes a dead letter."""
    payload = msgspec.convert(event.payload, events.Telemetry, strict=False)
    said = [_of_sample(event, sample) for sample in payload.metrics]
    said += [
        _of_sample(event, events.Sample(type=name, value=value))
        for name in KNOWN_UNITS
        if (value := getattr(payload, name)) is not None
    ]
    if len(said) > MOST_AT_ONCE:
        raise events.BadEvent(f"The event carries {len(said)} values; at most {MOST_AT_ONCE} are taken at once.")
    try:
        record(tx, [msgspec.convert(one, MetricSpec) for one in said])
    except (msgspec.ValidationError, Problem) as refusal:
        raise events.BadEvent(f"The event's measurements cannot be kept: {refusal}") from refusal


def _of_sample(event: Event, sample: events.Sample) -> dict[str, Any]:
    """A sample as it would be posted; what it leaves out, the envelope says."""
    own = {"cluster_id": sample.cluster_id, "droplet_id": sample.droplet_id}
    if own == {"cluster_id": None, "droplet_id": None}:
        own = {"cluster_id": event.cluster_id, "droplet_id": event.droplet_id}
    return own | {
        "type": sample.type,
        "value": sample.value,
        "unit": sample.unit if sample.unit is not None else KNOWN_UNITS.get(sample.type, ""),
        "timestamp": sample.timestamp if sample.timestamp is not None else event.timestamp,
    }


TELEMETRY = events.Consumer(
    group="monitoring-telemetry",
    name="keeps the measurements that metrics events carry",
    types=frozenset({"metrics"}),
    handle=heard,
)
