"""Look up what happened: one filter for the history, the live feed and everyone who shows events."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, Select, bindparam, false, func, select

from clustergenie.events.log import COLUMNS
from clustergenie.events.tables import events
from clustergenie.platform.db import Tx
from clustergenie.platform.event import Event
from clustergenie.platform.http import Paging, fetch_page


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are wanted; what is left out does not matter."""

    cluster_id: str | None = None
    job_id: str | None = None
    droplet_id: str | None = None
    trace_id: str | None = None
    types: frozenset[str] = frozenset()
    clusters: frozenset[str] | None = None
    """Only events about one of these, whatever else is wanted."""

    def _ids(self) -> Mapping[str, str]:
        names = ("cluster_id", "job_id", "droplet_id", "trace_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def matches(self, event: Event) -> bool:
        """Whether this event is wanted."""
        if self.types and event.type not in self.types:
            return False
        if self.clusters is not None and event.cluster_id not in self.clusters:
            return False
        return all(getattr(event, name) == value for name, value in self._ids().items())

    def query(self) -> Select[Any]:
        """Select the wanted events."""
        query = select(*COLUMNS)
        for name, value in self._ids().items():
            query = query.where(events.c[name] == value)
        if self.clusters is not None:
            query = query.where(events.c.cluster_id.in_(sorted(self.clusters)) if self.clusters else false())
        return query.where(events.c.type.in_(sorted(self.types))) if self.types else query


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened.

    `id` is its place in the log, `event_id` the name it keeps wherever it travels, and `seq` counts the events of
    its subject, `key`.
    """

    id: int
    event_id: str
    seq: int
    type: str
    key: str
    job_id: str | None
    job_type: str | None
    cluster_id: str | None
    droplet_id: str | None
    progress: int | None
    message: str
    timestamp: dt.datetime
    trace_id: str | None
    payload: dict[str, Any]
    schema_version: int


class EventsReply(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events."""

    events: list[EventRecord]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


# `timestamp` sorts by id: the log is in order of time, and the id is indexed.
_SORTABLE = {"id": events.c.id, "timestamp": events.c.id}


def history(
    tx: Tx,
    paging: Paging,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    cluster_id: str | None = None,
    job_id: str | None = None,
    droplet_id: str | None = None,
    trace_id: str | None = None,
    types: frozenset[str] = frozenset(),
    clusters: frozenset[str] | None = None,
) -> EventsReply:
    """One page of what happened from `since` up to `until`, newest first unless `paging` says otherwise."""
    wanted = Filter(
        cluster_id=cluster_id, job_id=job_id, droplet_id=droplet_id, trace_id=trace_id, types=types, clusters=clusters
    )
    query = wanted.query()
    if since is not None:
        query = query.where(events.c.id >= _first_at(tx, since))
    if until is not None:
        query = query.where(events.c.id < _first_at(tx, until))
    rows, total, following = fetch_page(tx, query, paging, _SORTABLE, events.c.id)
    return EventsReply(
        events=[_record(row) for row in rows],
        page=paging.page,
        page_size=paging.page_size,
        total=total,
        next_cursor=following,
    )


def _first_at(tx: Tx, moment: dt.datetime) -> int:
    """The id where the log reaches this moment: it is in order of time, so halving finds it without an index."""
    low, high = tuple(tx.execute(select(func.min(events.c.id), func.max(events.c.id))).one())
    if low is None:
        return 0
    high += 1
    while low < high:
        middle = (low + high) // 2
        row = tx.execute(_FROM, {"place": middle}).first()
        if row is None or row.timestamp >= moment:
            high = middle
        else:
            low = row.id + 1
    return int(low)


_FROM = select(events.c.id, events.c.timestamp).where(events.c.id >= bindparam("place")).order_by(events.c.id).limit(1)


def recent(tx: Tx, cluster_id: str, types: frozenset[str], since: dt.datetime, limit: int = 200) -> list[EventRecord]:
    """The events of these types about a cluster since a moment, newest first.

    The log is in order of time: the last event before the moment bounds the search, however long the history is.
    """
    of_cluster = select(*COLUMNS).where(events.c.cluster_id == cluster_id).order_by(events.c.id.desc())
    before = tx.execute(of_cluster.where(events.c.timestamp < since).limit(1)).first()
    found = of_cluster.where(events.c.id > (before.id if before else 0), events.c.type.in_(sorted(types)))
    return [_record(row) for row in tx.execute(found.limit(limit))]


def _record(row: Row[Any]) -> EventRecord:
    return EventRecord(**row._mapping)
