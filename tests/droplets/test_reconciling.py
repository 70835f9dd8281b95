"""What is, and what should be, are brought together again: crashes, silence, duplicates, orphans, absent providers."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from clustergenie import droplets
from clustergenie.auth.audit_tables import audit_log
from clustergenie.auth.principal import Actor, Grant, Principal, acting_as
from clustergenie.droplets import orphans, provision
from clustergenie.providers import NoAnswer
from clustergenie.providers.simulated import Weather
from tests.droplets.rig import SWIFT, Rig, play

GONE = dt.timedelta(seconds=droplets.plan.UNLISTED_SECONDS + 1)


async def solo(rig: Rig, name: str = "solo") -> str:
    """An active droplet without a cluster."""
    droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec(name))
    await rig.ended(job)
    return droplet.id


async def status_is(rig: Rig, droplet_id: str, status: str) -> bool:
    return (await rig.row(droplet_id)).status == status


@pytest.mark.parametrize("trouble", ["crash", "vanish"])
def test_a_cluster_replaces_a_machine_that_is_gone(tmp_path: Path, trouble: str) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=3)
        await rig.settled(cluster_id, 3)
        before = {row.id for row in await rig.rows()}
        victim = sorted(before)[1]
        getattr(rig.chaos, trouble)(victim)
        await rig.until(lambda: _replaced(rig, victim))
        await rig.settled(cluster_id, 3)
        gone = await rig.row(victim)
        assert (gone.status, gone.status_reason) == ("deleted", "replaced: its machine ended")
        assert len({row.id for row in await rig.rows()} & before) == 2

    play(tmp_path, scenario)


async def _replaced(rig: Rig, droplet_id: str) -> bool:
    return (await rig.row(droplet_id)).status == "deleted"


def test_a_silent_agent_is_lost_after_patience_and_replaced(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)
        victim = (await rig.rows())[0].id
        rig.chaos.freeze(victim)
        await rig.until(lambda: _replaced(rig, victim))
        await rig.settled(cluster_id, 2)
        assert "silent for" in (await rig.row(victim)).status_reason

    play(tmp_path, scenario, lost_after_seconds=0.5)


def test_a_droplet_without_a_cluster_is_lost_and_comes_back_by_itself(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet_id = await solo(rig)
        rig.chaos.freeze(droplet_id)
        await rig.until(lambda: status_is(rig, droplet_id, "lost"))
        assert rig.tags() == [droplet_id]
        rig.chaos.thaw(droplet_id)
        await rig.until(lambda: status_is(rig, droplet_id, "active"))
        assert await rig.faults() == []

    play(tmp_path, scenario, lost_after_seconds=0.5)


def test_a_second_machine_of_a_droplet_ends(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)
        row = (await rig.rows())[0]
        twin = rig.chaos.duplicate(rig.fleet.order(row))
        await rig.until(lambda: _absent(rig, twin.ref))
        await rig.settled(cluster_id, 2)
        assert (await rig.row(row.id)).machine_ref == row.machine_ref in rig.cloud.machines

    play(tmp_path, scenario)


async def _absent(rig: Rig, ref: str) -> bool:
    return ref not in rig.cloud.machines


def test_lists_that_lag_make_nothing_lost_and_leave_nothing_behind(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.chaos.lose_replies(2)
        cluster_id = await rig.cluster()
        assert (await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=4))).status == "completed"
        await rig.settled(cluster_id, 4)
        await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=2))
        await rig.settled(cluster_id, 2)
        assert not [row for row in await rig.rows(status="deleted") if "scaled down" not in row.status_reason]

    play(tmp_path, scenario, Weather(**_fields(SWIFT) | {"list_lag_seconds": 1.5}))


def _fields(weather: Weather) -> dict[str, Any]:
    return {name: getattr(weather, name) for name in weather.__struct_fields__}


def test_a_provider_that_does_not_answer_leaves_everything_as_it_is(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=2))
        rig.cloud.script.extend(("list", NoAnswer("the cloud is away")) for _ in range(2))
        for _ in range(2):
            verdict = await rig.look()
            assert (verdict.lost, verdict.destroy, verdict.finish_off, verdict.orphans) == ({}, [], [], [])
        assert (await rig.look()).orphans == []
        await rig.settled(cluster_id, 2)

    play(tmp_path, scenario, ticking=False)


def test_after_a_pause_of_the_whole_process_nobody_is_lost(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet_id = await solo(rig)
        await rig.look()
        rig.chaos.freeze(droplet_id)  # its heartbeats have not come yet, as after a suspended computer wakes up
        rig.clock.ahead = dt.timedelta(hours=8)
        assert (await rig.look()).lost == {}
        await rig.later(seconds=9)
        assert (await rig.look()).lost == {}
        for _ in range(2):
            await rig.later(seconds=7)
            verdict = await rig.look()
        assert list(verdict.lost) == [droplet_id]

    play(tmp_path, scenario, ticking=False)


ADMIN = Principal(subject="key:one", name="one", kind="key", grants=(Grant("admin"),))
SOMEBODY = Actor(ADMIN, "192.0.2.1", "a" * 16, "b" * 32)


async def _noted(rig: Rig) -> list[tuple[str, str, str]]:
    """Who did what to what, as the audit trail has it."""
    query = select(audit_log.c.actor, audit_log.c.action, audit_log.c.target)
    return await rig.db.read(lambda tx: [tuple(row) for row in tx.execute(query)])


def test_an_orphan_is_shown_with_its_price_and_left_alone_until_it_is_destroyed(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        stranger = rig.chaos.duplicate(_order_of_nobody(rig, await rig.row(await solo(rig))))
        assert (await rig.look()).orphans == [f"simulated/{stranger.ref}"]
        (orphan,) = await orphans.find(rig.db, rig.fleet)
        assert (orphan.ref, orphan.hourly_usd_micros > 0) == (stranger.ref, True)
        with pytest.raises(orphans.OrphanNotFound):
            await orphans.get(rig.db, rig.fleet, (await rig.rows())[0].machine_ref)
        with acting_as(SOMEBODY):
            await orphans.destroy(rig.db, rig.fleet, orphan)
        assert await orphans.find(rig.db, rig.fleet) == []
        assert await rig.faults() == []
        assert await _noted(rig) == [("key:one", "orphan.destroy", stranger.ref)]

    play(tmp_path, scenario, ticking=False)


def test_an_orphan_can_be_adopted_once(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        stranger = rig.chaos.duplicate(_order_of_nobody(rig, await rig.row(await solo(rig))))
        orphan = await orphans.get(rig.db, rig.fleet, stranger.ref)
        with acting_as(SOMEBODY):
            answers = await asyncio.gather(
                *(orphans.adopt(rig.db, rig.fleet, orphan) for _ in range(3)), return_exceptions=True
            )
        assert sorted(type(answer).__name__ for answer in answers) == ["Droplet", "OrphanNotFound", "OrphanNotFound"]
        assert await _noted(rig) == [("key:one", "orphan.adopt", "droplet-of-nobody")]
        await rig.until(lambda: status_is(rig, "droplet-of-nobody", "active"))
        await rig.until(lambda: _no_faults(rig))

    play(tmp_path, scenario)


async def _no_faults(rig: Rig) -> bool:
    return not await rig.faults()


def _order_of_nobody(rig: Rig, row: Any) -> Any:
    class Nobody:
        id, name, cluster_id = "droplet-of-nobody", "nobody", None
        region, size, image = row.region, row.size, row.image

    return rig.fleet.order(Nobody)


def test_a_machine_that_appears_after_its_droplet_was_deleted_ends(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        row = await rig.row(await solo(rig))
        _, job = await rig.db.write(droplets.destroy.request, row.id)
        await rig.ended(job)
        late = rig.chaos.duplicate(rig.fleet.order(row))
        await rig.until(lambda: _absent(rig, late.ref))
        assert await rig.faults() == []

    play(tmp_path, scenario)
