"""Measurements are kept over time, and never too many of them."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from clustergenie import monitoring
from clustergenie.monitoring import prober, retention, sample
from clustergenie.monitoring.tables import metrics, oom_marks, probes
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from tests.monitoring import fleets
from tests.monitoring.test_probing import outcome


def kept(tx: Tx, droplet_id: str | None = None, kind: str | None = None) -> list[float]:
    """The values kept of a droplet, or of clusters as a whole."""
    query = select(metrics.c.value).where(metrics.c.droplet_id == droplet_id).order_by(metrics.c.id)
    return list(tx.execute(query.where(metrics.c.type == kind) if kind else query).scalars())


def test_each_report_of_a_small_fleet_is_kept_once_and_so_is_the_mean(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            sampler = monitoring.Sampler(db)
            cluster_id = await db.write(fleets.cluster)
            one = await db.write(fleets.droplet, cluster_id, metrics={"cpu": 20.0}, seen_ago=0)
            await db.write(fleets.droplet, cluster_id, metrics={"cpu": 40.0}, seen_ago=0)
            assert await sampler.round() == 2 * 5 + 3
            await sampler.round()
            assert await db.read(kept, one, "cpu") == [20.0]
            assert await db.read(kept, None, "cpu") == [30.0]
            await db.write(fleets.reports, one, cpu=90.0, network_in=None)
            await sampler.round()
            assert await db.read(kept, one, "network_in") == [0.0]
            assert await db.read(kept, one, "cpu") == [20.0, 90.0]

    asyncio.run(main())


def test_of_a_large_fleet_every_droplet_has_its_turn_within_the_bound(tmp_path: Path) -> None:
    size = 130
    most = int(sample.ROWS_PER_SECOND * sample.ROUND_SECONDS)

    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            sampler = monitoring.Sampler(db)
            cluster_id = await db.write(fleets.cluster)
            ids = await db.write(lambda tx: [fleets.droplet(tx, cluster_id, seen_ago=0) for _ in range(size)])
            for _ in range(3):
                assert 0 < await sampler.round() <= most
                await db.write(lambda tx: [fleets.reports(tx, one, cpu=1.0) for one in ids])
            query = select(metrics.c.droplet_id, func.count()).where(metrics.c.type == "cpu").group_by("droplet_id")
            found = await db.read(lambda tx: dict(map(tuple, tx.execute(query))))  # type: ignore[arg-type]
            assert set(found) == {None, *ids}
            assert max(found[one] for one in ids) - min(found[one] for one in ids) <= 1

    asyncio.run(main())


def test_a_memory_kill_counts_once_however_often_we_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            fleet = fleets.fleet(tmp_path)
            cluster_id = await db.write(fleets.cluster)
            one = await db.write(fleets.droplet, cluster_id)

            async def round_after(kills: int, sampler: monitoring.Sampler) -> list[float]:
                await db.write(fleets.reports, one, detail={"oom_kills": kills})
                await sampler.round()
                return await db.read(kept, one, "oom_kills")

            sampler = monitoring.Sampler(db)
            assert await round_after(0, sampler) == []
            assert await round_after(2, sampler) == [2.0]
            assert await round_after(2, sampler) == [2.0]
            health = await db.read(monitoring.health, fleet, cluster_id)
            assert health.droplets[0].reasons[0].startswith("OOM kills +2")
            again = monitoring.Sampler(db)
            assert await round_after(2, again) == [2.0]
            assert await round_after(3, again) == [2.0, 1.0]
            assert await round_after(0, again) == [2.0, 1.0]  # the agent counts from the start again
            assert await round_after(1, again) == [2.0, 1.0, 1.0]

    asyncio.run(main())


def test_a_processor_that_was_busy_all_along_is_told_with_the_time(tmp_path: Path) -> None:
    async def main() -> monitoring.Health:
        async with fleets.opened(tmp_path / "db") as db:
            cluster_id = await db.write(fleets.cluster)
            one = await db.write(fleets.droplet, cluster_id, metrics={"cpu": 99.5})

            def busy(tx: Tx) -> None:
                specs = [
                    monitoring.MetricSpec("cpu", 99.0, droplet_id=one, timestamp=tx.now - dt.timedelta(seconds=ago))
                    for ago in (80, 40, 20, 0)
                ]
                monitoring.record(tx, specs)

            await db.write(busy)
            return await db.read(monitoring.health, fleets.fleet(tmp_path), cluster_id)

    (only,) = asyncio.run(main()).droplets
    assert only.reasons == ["cpu at 100 % for 80 s"]


async def _filled(db: Database) -> tuple[str, dt.datetime]:
    cluster_id = await db.write(fleets.cluster)
    one = await db.write(fleets.droplet, cluster_id)
    long_ago = now() - dt.timedelta(hours=30)
    old = [monitoring.MetricSpec("cpu", 1.0, droplet_id=one, timestamp=long_ago)] * 7
    await db.write(monitoring.record, [*old, monitoring.MetricSpec("cpu", 2.0, droplet_id=one)])
    await db.write(prober.keep, [outcome(one, "ok", long_ago), outcome("gone", "ok", now())])
    return one, now() - dt.timedelta(hours=24)


def test_retention_forgets_in_bites_what_is_old_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            one, before = await _filled(db)
            bites: list[Any] = [await db.write(retention.prune, before, 3) for _ in range(4)]
            assert bites == [3, 3, 1, 0]
            assert await db.read(kept, one) == [2.0]
            assert await db.read(lambda tx: list(tx.execute(select(probes.c.droplet_id)).scalars())) == ["gone"]

    asyncio.run(main())


def test_marks_of_droplets_that_are_gone_are_forgotten_and_of_others_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            sampler = monitoring.Sampler(db)
            cluster_id = await db.write(fleets.cluster)
            here = await db.write(fleets.droplet, cluster_id, metrics={"oom_kills": 1}, seen_ago=0)
            await db.write(fleets.droplet, cluster_id, "deleted", metrics={"oom_kills": 1}, seen_ago=0)
            await sampler.round()
            await db.write(monitoring.prune, now() + dt.timedelta(seconds=1))
            assert await db.read(lambda tx: list(tx.execute(select(oom_marks.c.droplet_id)).scalars())) == [here]

    asyncio.run(main())
