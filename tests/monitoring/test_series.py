"""Measurements come back as they were, or averaged; what comes in is checked."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clustergenie import clusters, droplets, events, monitoring
from clustergenie.monitoring import series
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Invalid, NotFound
from clustergenie.platform.event import Event
from clustergenie.platform.http import Paging
from tests.monitoring import fleets


def post(tx: Tx, *specs: Any) -> int:
    """Measured values, given as JSON would."""
    return monitoring.record(tx, [msgspec.convert(spec, monitoring.MetricSpec) for spec in specs])


def at(cluster_id: str, ago: float, value: float, **more: Any) -> dict[str, Any]:
    """A value of a cluster from a while ago."""
    moment = now() - dt.timedelta(seconds=ago)
    return {"type": "cpu", "cluster_id": cluster_id, "value": value, "timestamp": moment, "unit": "%", **more}


async def _page(db: Database, paging: Paging | None = None, **wanted: Any) -> Any:
    return await db.read(series.page, series.MetricFilter(**wanted), paging or Paging())


def test_values_come_back_newest_first_within_the_last_hour_unless_asked_otherwise(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one = await db.write(fleets.cluster, "one")
            await db.write(post, at(one, 7200, 1.0), at(one, 60, 2.0), at(one, 5, 3.0, type="memory"))
            assert [item.value for item in (await _page(db, cluster_id=one)).items] == [3.0, 2.0]
            assert [item.value for item in (await _page(db, cluster_id=one, type="cpu")).items] == [2.0]
            old = now() - dt.timedelta(hours=3)
            everything = await _page(db, Paging(page_size=2), cluster_id=one, start=old)
            assert (everything.total, len(everything.items)) == (3, 2)
            rest = await _page(db, Paging(page_size=2, cursor=everything.next_cursor), cluster_id=one, start=old)
            assert [item.value for item in rest.items] == [1.0]
            assert (await _page(db, cluster_id="cluster-nobody")).items == []
            with pytest.raises(Invalid):
                await _page(db, start=now(), end=old)

    asyncio.run(main())


def test_a_line_is_averages_and_never_more_than_two_thousand_points(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one = await db.write(fleets.cluster, "one")
            start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            for first in range(0, 3000, 1000):
                moments = [start + dt.timedelta(seconds=second) for second in range(first, first + 1000)]
                await db.write(post, *(at(one, 0, moment.second % 10, timestamp=moment) for moment in moments))
            span = {"cluster_id": one, "type": "cpu", "start": start, "end": start + dt.timedelta(seconds=2999)}
            tens = await db.read(series.points, series.MetricFilter(**span), 10)
            assert tens.step == 10
            assert len(tens.points) == 300
            first_point = tens.points[0]
            assert (first_point.timestamp, first_point.value, first_point.samples) == (start, 4.5, 10)
            assert (first_point.minimum, first_point.maximum, first_point.unit) == (0.0, 9.0, "%")
            widened = await db.read(series.points, series.MetricFilter(**span), 1)
            assert widened.step == 2
            assert len(widened.points) <= series.MOST_POINTS
            with pytest.raises(Invalid):
                await db.read(series.points, series.MetricFilter(cluster_id=one), 10)

    asyncio.run(main())


def test_the_cluster_as_a_whole_is_told_from_its_droplets(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one = await db.write(fleets.cluster, "one")
            member = await db.write(fleets.droplet, one)
            await db.write(post, at(one, 1, 1.0), {"type": "cpu", "value": 2, "droplet_id": member})
            assert [item.value for item in (await _page(db, cluster_id=one, scope="cluster")).items] == [1.0]
            (own,) = (await _page(db, scope="droplet", droplet_id=member)).items
            assert (own.value, own.cluster_id) == (2.0, one)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("spec", "refusal"),
    [
        ({"cluster_id": "cluster-nobody"}, NotFound),
        ({"droplet_id": "droplet-nobody"}, NotFound),
        ({}, Invalid),
        ({"cluster_id": "CLUSTER", "timestamp": "2999-01-01T00:00:00Z"}, Invalid),
        ({"cluster_id": "OTHER", "droplet_id": "DROPLET"}, Invalid),
    ],
)
def test_what_nobody_can_have_measured_is_refused_and_nothing_is_kept(
    tmp_path: Path, spec: dict[str, Any], refusal: type[Exception]
) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one, other = await db.write(fleets.cluster, "one"), await db.write(fleets.cluster, "other")
            known = {"CLUSTER": one, "OTHER": other, "DROPLET": await db.write(fleets.droplet, one)}
            named = {name: known.get(value, value) for name, value in spec.items()}
            with pytest.raises(refusal):
                await db.write(post, at(one, 1, 1.0), {"type": "cpu", "value": 1.0, **named})
            assert (await _page(db, cluster_id=one)).total == 0

    asyncio.run(main())


async def _heard(db: Database, *told: Event) -> list[events.GroupStatus]:
    bus = events.EmbeddedBus(db, monitoring.consumers())
    await bus.open()
    await db.write(lambda tx: [tx.emit(event) for event in told])
    delivery = bus.deliveries["monitoring-telemetry"]
    while await delivery.run_once():
        pass
    return (await bus.status()).groups


def telemetry(cluster_id: str | None, seq: int = 1, **payload: Any) -> Event:
    """Measurements as another system puts them on the bus."""
    return Event(type="metrics", key=cluster_id or "x", seq=seq, cluster_id=cluster_id, payload=payload)


def test_measurements_on_the_bus_become_rows_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one = await db.write(fleets.cluster, "one")
            member = await db.write(fleets.droplet, one)
            sample = {"type": "queue_depth", "value": 7, "unit": "jobs", "droplet_id": member}
            event = telemetry(one, cpu=50, network="12.5", metrics=[sample])
            (group,) = await _heard(db, event, event)
            assert group.dead_letters == 0
            found = (await _page(db, cluster_id=one)).items
            assert sorted((item.type, item.value, item.unit, item.droplet_id) for item in found) == [
                ("cpu", 50.0, "%", None),
                ("network", 12.5, "B/s", None),
                ("queue_depth", 7.0, "jobs", member),
            ]

    asyncio.run(main())


@pytest.mark.parametrize(
    "payload",
    [
        {"metrics": [{"type": "cpu", "value": 1, "cluster_id": "cluster-nobody"}]},
        {"metrics": [{"type": "no spaces", "value": 1}]},
        {"metrics": [{"type": "cpu", "value": 1, "timestamp": "yesterday"}]},
        {"metrics": [{"type": "cpu", "value": "nan"}]},
        {"metrics": [{"type": "cpu", "value": 1}] * 1001},
        {"cpu": "much"},
    ],
)
def test_a_bad_event_becomes_a_dead_letter_and_the_next_one_is_heard(tmp_path: Path, payload: dict[str, Any]) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one = await db.write(fleets.cluster, "one")
            (group,) = await _heard(db, telemetry(one, **payload), telemetry(one, 2, cpu=1))
            assert group.dead_letters == 1
            assert (await _page(db, cluster_id=one)).total == 1

    asyncio.run(main())


def test_measurements_of_nobody_are_a_dead_letter(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            (group,) = await _heard(db, telemetry(None, cpu=1))
            assert group.dead_letters == 1

    asyncio.run(main())


def test_a_cluster_that_is_unknown_to_droplets_is_unknown_here_too() -> None:
    assert clusters.ClusterNotFound is droplets.NoSuchCluster
