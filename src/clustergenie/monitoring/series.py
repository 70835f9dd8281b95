"""Look measurements up: as they came, or averaged over equal stretches of time."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, func, select

from clustergenie import auth
from clustergenie.monitoring.models import Metric
from clustergenie.monitoring.tables import metrics
from clustergenie.platform.clock import from_micros
from clustergenie.platform.db import Tx
from clustergenie.platform.dialects import micros_of
from clustergenie.platform.errors import invalid
from clustergenie.platform.http import Page, Paging, fetch_page

MOST_POINTS = 2_000
USUAL = dt.timedelta(hours=1)

SORTABLE: dict[str, ColumnElement[Any]] = {"timestamp": metrics.c.timestamp, "id": metrics.c.id}

Scope = Literal["any", "cluster", "droplet"]


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which measurements. `scope` chooses between those of the cluster as a whole and those of its droplets."""

    cluster_id: str | None = None
    droplet_id: str | None = None
    type: str | None = None
    scope: Scope = "any"
    start: dt.datetime | None = None
    end: dt.datetime | None = None


class Points(NamedTuple):
    """A line for a chart, oldest first, and how many seconds each point stands for."""

    points: list[Metric]
    step: int


def page(tx: Tx, wanted: MetricFilter, paging: Paging) -> Page[Metric]:
    """One page of measurements, newest first unless asked otherwise; of the last hour if no times are given."""
    start, end = _span(wanted, tx.now)
    query = _filtered(select(metrics), wanted).where(metrics.c.timestamp >= start, metrics.c.timestamp <= end)
    rows, total, following = fetch_page(tx, query, paging, SORTABLE, metrics.c.id)
    return Page([Metric(**row._mapping) for row in rows], paging.page, paging.page_size, total, following)


def points(tx: Tx, wanted: MetricFilter, step: int) -> Points:
    """One line: averages over `step` seconds each, or more if that would be more than 2,000. Raises Invalid."""
    if wanted.type is None:
        raise invalid("?type", "is required with step: a line has one type")
    start, end = _span(wanted, tx.now)
    step = max(step, math.ceil((end - start).total_seconds() / (MOST_POINTS - 1)))
    micros = step * 1_000_000
    stretch = (micros_of(metrics.c.timestamp) // micros).label("stretch")
    value, unit = metrics.c.value, metrics.c.unit
    averages: Select[Any] = select(
        stretch, func.avg(value), func.min(value), func.max(value), func.count(), func.max(unit)
    )
    query = _filtered(averages, wanted).where(metrics.c.timestamp >= start, metrics.c.timestamp <= end)
    rows = tx.execute(query.group_by(stretch).order_by(stretch))
    found = [
        Metric(
            id=None,
            cluster_id=wanted.cluster_id,
            droplet_id=wanted.droplet_id,
            type=wanted.type,
            timestamp=from_micros(int(place) * micros),
            value=mean,
            unit=named,
            minimum=least,
            maximum=most,
            samples=count,
        )
        for place, mean, least, most, count, named in map(tuple, rows)
    ]
    return Points(found, step)


def lines(tx: Tx, wanted: MetricFilter, types: Sequence[str], step: int) -> Points:
    """Several lines, one after the other: what a page of charts asks for at once."""
    found = [points(tx, msgspec.structs.replace(wanted, type=name), step) for name in types]
    return Points([metric for line in found for metric in line.points], max(line.step for line in found))


def _span(wanted: MetricFilter, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    end = _utc(wanted.end) if wanted.end is not None else now
    try:
        start = _utc(wanted.start) if wanted.start is not None else end - USUAL
    except OverflowError:
        start = end
    if start > end:
        raise invalid("?from", "is after `to`")
    return start, end


def _utc(moment: dt.datetime) -> dt.datetime:
    """A time without a zone is taken as UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _filtered(query: Select[Any], wanted: MetricFilter) -> Select[Any]:
    query = auth.visible(query, metrics.c.cluster_id)
    for name in ("cluster_id", "droplet_id", "type"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(metrics.c[name] == value)
    if wanted.scope == "cluster":
        return query.where(metrics.c.droplet_id.is_(None))
    return query.where(metrics.c.droplet_id.is_not(None)) if wanted.scope == "droplet" else query
