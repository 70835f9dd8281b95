"""Keep measurements over time: samples of what agents report, and the mean of each cluster; never too many rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from clustergenie import droplets
from clustergenie.monitoring import plan
from clustergenie.monitoring.tables import metrics, oom_marks
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.dialects import Upsert, everything

ROUND_SECONDS = 2.0
ROWS_PER_SECOND = 200
MEANS_PER_SECOND = 60
"""How many of the rows may be means of clusters."""
REPORTS_READ = 2_000
REMEMBERED = 20_000
LIVELY = dt.timedelta(minutes=2)
"""The mean of a cluster leaves out droplets that have been silent for longer."""
UNITS = {"cpu": "%", "memory": "%", "disk": "%", "network_in": "B/s", "network_out": "B/s"}
MEANS = ("cpu", "memory", "disk")

_MARK = Upsert(oom_marks, everything(oom_marks))


class Sampler:
    """Turns what agents said since the last round into rows.

    Every report of a small fleet is kept; of a larger one each droplet is kept less often, in turn.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._since = now()
        self._kept: dict[str, dt.datetime] = {}
        self._marks: dict[str, int] | None = None
        self._means_due = self._since

    async def round(self) -> int:
        """One round; how many rows it kept."""
        if self._marks is None:
            self._marks = await self._db.read(_marks)
        reports = await self._db.read(droplets.reports_since, self._since, REPORTS_READ)
        if reports:
            self._since = reports[-1].last_seen_at
        means = await self._means()
        room = int((ROWS_PER_SECOND - MEANS_PER_SECOND) * ROUND_SECONDS / len(UNITS))
        chosen = set(plan.thin([(one.droplet_id, one.last_seen_at) for one in reports], self._kept, room))
        kept = [one for one in reports if one.droplet_id in chosen]
        counted = {one.droplet_id: one for one in reports if one.oom_kills != self._marks.get(one.droplet_id, 0)}
        rows = [row for one in kept for row in _samples(one)]
        rows += [row for one in counted.values() for row in _kills(one, self._marks)] + means
        if rows or counted:
            await self._db.write(_keep, rows, list(counted.values()))
        self._remember(kept, counted)
        return len(rows)

    def _remember(self, kept: Sequence[droplets.Report], counted: Mapping[str, droplets.Report]) -> None:
        self._kept |= {one.droplet_id: one.last_seen_at for one in kept}
        if len(self._kept) > REMEMBERED:
            self._kept = dict(sorted(self._kept.items(), key=lambda item: item[1])[-REMEMBERED // 2 :])
        if self._marks is not None:
            self._marks |= {one.droplet_id: one.oom_kills for one in counted.values()}

    async def _means(self) -> list[dict[str, Any]]:
        """The means of all clusters, as often as their number allows."""
        moment = now()
        if moment < self._means_due:
            return []
        found = await self._db.read(droplets.averages, moment - LIVELY)
        pause = max(ROUND_SECONDS, len(found) * len(MEANS) / MEANS_PER_SECOND)
        self._means_due = moment + dt.timedelta(seconds=pause - ROUND_SECONDS / 2)
        return [
            _row(one.cluster_id, None, name, moment, round(value, 3))
            for one in found
            for name in MEANS
            if (value := getattr(one, name)) is not None
        ]


def _samples(one: droplets.Report) -> list[dict[str, Any]]:
    return [
        _row(one.cluster_id, one.droplet_id, name, one.last_seen_at, value)
        for name in UNITS
        if (value := getattr(one, name)) is not None
    ]


def _kills(one: droplets.Report, marks: Mapping[str, int]) -> list[dict[str, Any]]:
    """The memory kills that were not counted yet; an agent that counts from the start again has none."""
    more = one.oom_kills - marks.get(one.droplet_id, 0)
    if more <= 0:
        return []
    return [_row(one.cluster_id, one.droplet_id, "oom_kills", one.last_seen_at, float(more))]


def _row(cluster_id: str | None, droplet_id: str | None, name: str, moment: dt.datetime, value: float) -> Any:
    return {
        "cluster_id": cluster_id,
        "droplet_id": droplet_id,
        "type": name,
        "timestamp": moment,
        "value": value,
        "unit": UNITS.get(name, "count"),
    }


def _keep(tx: Tx, rows: Sequence[Mapping[str, Any]], counted: Sequence[droplets.Report]) -> None:
    if rows:
        tx.execute(insert(metrics), rows)
    if counted:
        marks = [{"droplet_id": one.droplet_id, "oom_kills": one.oom_kills, "updated_at": tx.now} for one in counted]
        _MARK.run(tx, marks)


def _marks(tx: Tx) -> dict[str, int]:
    return {row.droplet_id: row.oom_kills for row in tx.execute(select(oom_marks))}
