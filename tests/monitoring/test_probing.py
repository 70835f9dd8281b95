"""Droplets are probed for real, in turn and with bounds, and what cannot be probed says so."""

import asyncio
import datetime as dt
import re
from pathlib import Path
from typing import Any

from sqlalchemy import select

from clustergenie import clusters, droplets, monitoring
from clustergenie.monitoring import background, prober
from clustergenie.monitoring.connect import Answer
from clustergenie.monitoring.tables import probes
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from tests.monitoring import fleets
from tests.monitoring.fleets import answering, hanging


def rows(tx: Tx) -> dict[tuple[str, str], Any]:
    """The last answers, by droplet and check."""
    return {(row.droplet_id, row.check_name): row for row in tx.execute(select(probes))}


def outcome(droplet_id: str, verdict: Any, at: dt.datetime) -> prober.Outcome:
    """An answer as it comes from a probe."""
    place = droplets.Place(droplet_id, None, "web", "local", "127.0.0.1", 1, None)
    return prober.Outcome(prober.Target(place, "agent", 1, "/healthz"), Answer(verdict, f"is {verdict}"), at)


async def _keep(db: Database, *answers: tuple[str, float]) -> Any:
    start = now()
    for verdict, seconds in answers:
        await db.write(prober.keep, [outcome("d", verdict, start + dt.timedelta(seconds=seconds))])
    return start, (await db.read(rows))["d", "agent"]


def test_failures_are_counted_from_the_first_one_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            start, row = await _keep(db, ("ok", 0), ("refused", 1), ("hung", 2))
            assert (row.ok, row.verdict, row.consecutive_failures) == (False, "hung", 2)
            assert row.failing_since == start + dt.timedelta(seconds=1)
            _, row = await _keep(db, ("ok", 3))
            assert (row.ok, row.consecutive_failures, row.failing_since) == (True, 0, None)

    asyncio.run(main())


def test_an_answer_that_arrives_late_does_not_replace_a_younger_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with fleets.opened(tmp_path / "db") as db:
            _, row = await _keep(db, ("ok", 5), ("refused", 1))
            assert row.verdict == "ok"

    asyncio.run(main())


def test_a_round_asks_agents_and_declared_checks_and_health_names_what_is_wrong(tmp_path: Path, free_port: int) -> None:
    async def main() -> monitoring.Health:
        declared = [clusters.Check("tcp", free_port), clusters.Check("http", free_port, "/ready")]
        async with fleets.opened(tmp_path / "db") as db, answering() as fine:
            fleet = fleets.fleet(tmp_path)
            cluster_id = await db.write(fleets.cluster, "web", *declared)
            with hanging() as stopped:
                await db.write(fleets.droplet, cluster_id, name="fine", port=fine)
                await db.write(fleets.droplet, cluster_id, name="stopped", port=stopped, seen_ago=9)
                await db.write(fleets.droplet, cluster_id, name="refusing", port=free_port)
                await db.write(fleets.droplet, cluster_id, name="coming", status="provisioning", seen_ago=None)
                assert await background.Rounds(db, fleet).round() == 9
            return await db.read(monitoring.health, fleet, cluster_id)

    health = asyncio.run(main())
    reasons = {one.name: one.reasons for one in health.droplets}
    refused = [f"check tcp :{free_port}: refuses", f"check http :{free_port}/ready: refuses"]
    assert [words.partition(" connections")[0] for words in reasons["fine"]] == refused
    assert re.fullmatch(r"no heartbeat for \d+ s \(expected every 2 s\)", reasons["stopped"][0])
    assert "accepts connections but does not answer (stopped or hung) since" in reasons["stopped"][1]
    assert reasons["refusing"][0].startswith("its agent refuses connections since")
    assert reasons["coming"] == ["provisioning: for a test"]
    assert health.counts["not_probed"] == 0


def test_a_simulated_droplet_is_not_probed_and_says_so(tmp_path: Path) -> None:
    async def main() -> monitoring.Health:
        async with fleets.opened(tmp_path / "db") as db:
            fleet = fleets.fleet(tmp_path)
            cluster_id = await db.write(fleets.cluster, "web", clusters.Check("tcp", 80))
            await db.write(fleets.droplet, cluster_id, provider="simulated", ip_address="10.0.0.1", port=None)
            assert await background.Rounds(db, fleet).round() == 0
            assert await monitoring.prober_of(db, fleet).look_at(cluster_id)
            assert await db.read(rows) == {}
            return await db.read(monitoring.health, fleet, cluster_id)

    health = asyncio.run(main())
    (only,) = health.droplets
    assert only.healthy
    assert [check.ok for check in only.checks] == [None, None]
    assert {check.detail for check in only.checks} == {"not probed: simulated, there is no machine behind its address"}
    assert health.counts["not_probed"] == 1


def test_a_fleet_larger_than_a_round_has_its_turn_in_several(tmp_path: Path, free_port: int) -> None:
    async def main() -> list[int]:
        async with fleets.opened(tmp_path / "db") as db:
            fleet = fleets.fleet(tmp_path)

            def many(tx: Tx) -> None:
                cluster_id = fleets.cluster(tx, "web")
                for _ in range(background.PROBES_A_ROUND + 50):
                    fleets.droplet(tx, cluster_id, port=free_port)

            await db.write(many)
            rounds = background.Rounds(db, fleet)
            sizes = [await rounds.round() for _ in range(3)]
            assert len(await db.read(rows)) == background.PROBES_A_ROUND + 50
            return sizes

    assert asyncio.run(main()) == [background.PROBES_A_ROUND, 50, background.PROBES_A_ROUND]


def test_diagnoses_at_the_same_time_share_one_look_and_a_fresh_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    asked = 0

    async def main() -> None:
        nonlocal asked

        async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(count, "127.0.0.1", 0)
        async with server, fleets.opened(tmp_path / "db") as db:
            cluster_id = await db.write(fleets.cluster, "web")
            await db.write(fleets.droplet, cluster_id, port=server.sockets[0].getsockname()[1])
            probing = monitoring.prober_of(db, fleets.fleet(tmp_path))
            assert await asyncio.gather(*(probing.look_at(cluster_id) for _ in range(10))) == [True] * 10
            assert await db.read(lambda tx: prober.targets_of_cluster(tx, cluster_id, frozenset(), 60.0)) == []
            server.close()

    asyncio.run(main())
    assert asked == 1


def test_names_of_checks_are_short_and_distinct() -> None:
    long = [clusters.Check("http", 80, "/" + "x" * 1000 + end) for end in "ab"]
    names = [prober.name_of(check) for check in (*long, clusters.Check("tcp", 80), clusters.Check("http", 80))]
    assert len(set(names)) == 4
    assert max(map(len, names)) < 255
    assert names[2:] == ["tcp :80", "http :80/"]
