"""Health and measurements over HTTP."""

import datetime as dt
from typing import Annotated

import msgspec
from litestar.params import FromPath, QueryParameter

from clustergenie.clusters import ClusterNotFound
from clustergenie.droplets import Fleet
from clustergenie.monitoring import evidence, intake, series
from clustergenie.monitoring.exporter import collect
from clustergenie.monitoring.models import Health, Metric, NewMetrics
from clustergenie.monitoring.series import MetricFilter, Scope
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.errors import invalid

MOST_LINES = 8
Id = Annotated[str | None, QueryParameter(min_length=1, max_length=64)]


class MetricList(msgspec.Struct):
    """A page of measurements; with `step`, one line of averages, oldest first, and the step that was used."""

    metrics: list[Metric]
    page: int
    page_size: int
    total: int
    next_cursor: str | None
    step: int | None = None


class Recorded(msgspec.Struct):
    """How many measurements were kept."""

    stored: int
    message: str


@web.get("/health/{cluster_id:str}", allow=web.VIEWER, scoped=True, raises=[ClusterNotFound], tags=["monitoring"])
async def cluster_health(db: Database, fleet: Fleet, cluster_id: FromPath[str]) -> Health:
    """How a cluster is, droplet by droplet, with the evidence; and what broke in the last ten minutes."""
    return await db.read(evidence.health, fleet, cluster_id)


@web.get("/metrics", allow=web.VIEWER, scoped=True, tags=["monitoring"])
async def list_metrics(
    db: Database,
    paging: web.Paging,
    cluster_id: Id = None,
    droplet_id: Id = None,
    type: Annotated[
        str | None, QueryParameter(max_length=255, description="cpu, memory, disk…; with `step`, up to 8 with commas.")
    ] = None,
    whose: Annotated[
        Scope,
        QueryParameter(name="scope", description="`cluster`: of the cluster as a whole; `droplet`: of its droplets."),
    ] = "any",
    start: Annotated[
        dt.datetime | None, QueryParameter(name="from", description="Default: an hour before `to`.")
    ] = None,
    end: Annotated[dt.datetime | None, QueryParameter(name="to", description="Default: now.")] = None,
    step: Annotated[
        int | None, QueryParameter(ge=1, le=31_622_400, description="Average over so many seconds; needs `type`.")
    ] = None,
) -> MetricList:
    """Measurements of the last hour, or of other times, newest first; with `step` as one line of averages."""
    wanted = MetricFilter(cluster_id=cluster_id, droplet_id=droplet_id, type=type, scope=whose, start=start, end=end)
    if step is not None:
        types = _types(type)
        found, used = await db.read(series.lines, wanted, types, step)
        return MetricList(found, 1, max(1, len(found)), len(found), None, used)
    page = await db.read(series.page, wanted, paging)
    return MetricList(page.items, page.page, page.page_size, page.total, page.next_cursor)


def _types(asked: str | None) -> list[str]:
    """The types that make the lines, each once."""
    names = list(dict.fromkeys(name.strip() for name in (asked or "").split(",") if name.strip()))
    if not 1 <= len(names) <= MOST_LINES:
        raise invalid("?type", f"is required with step: a line has one type, and at most {MOST_LINES} are told at once")
    return names


@web.post(
    "/metrics", allow=web.OPERATOR, scoped=True, raises=[ClusterNotFound, intake.MeasuredNothing], tags=["monitoring"]
)
async def post_metrics(db: Database, data: NewMetrics) -> Recorded:
    """Keep measured values, up to 1,000 at once: all of them, or none."""
    return Recorded(await db.write(intake.record, data.metrics), "created")


routes = [cluster_health, list_metrics, post_metrics]

__all__ = ["collect", "routes"]
