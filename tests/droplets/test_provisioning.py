"""Droplets are provisioned and ended whatever the cloud answers, and what cannot be says why."""

from pathlib import Path

import pytest

from clustergenie import droplets, jobs
from clustergenie.clusters.tables import clusters
from clustergenie.droplets import destroy, provision
from clustergenie.droplets.models import DropletLeaving, DropletNameTaken
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Invalid, NotFound, Problem
from clustergenie.providers import NoAnswer, NoCapacity, OverQuota, Refused, Throttled
from clustergenie.providers.simulated import Weather
from tests.droplets.rig import Rig, play

SLOW = Weather(create_seconds=(0.3, 0.4), boot_seconds=(0, 0), destroy_seconds=(0, 0))


def test_a_named_droplet_without_a_cluster_becomes_active_and_goes_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        assert (droplet.status, droplet.name, droplet.job_id) == ("pending", "solo", job.id)
        done = await rig.ended(job)
        assert (done.status, done.progress, done.result) == ("completed", 100, {"active": 1, "droplets": [droplet.id]})
        row = await rig.row(droplet.id)
        assert (row.status, row.ip_address is not None, row.hourly_usd_micros > 0) == ("active", True, True)
        with pytest.raises(DropletNameTaken):
            await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        _, job = await rig.db.write(destroy.request, droplet.id)
        assert (await rig.ended(job)).status == "completed"
        assert rig.tags() == []
        again, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        assert again.id != droplet.id
        assert (await rig.ended(job)).status == "completed"
        assert await rig.faults() == []

    play(tmp_path, scenario)


def test_defaults_come_from_the_cluster_and_parameters_go_before_them(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(region="fra1", size="s-2vcpu-2gb", image="debian-12-x64", provider="simulated")
        await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=2))
        await rig.ended(await rig.ask("provision", cluster_id=cluster_id, region="sgp1", name="far"))
        kinds = [(row.name, row.region, row.size, row.image) for row in await rig.rows()]
        assert kinds == [
            ("web-001", "fra1", "s-2vcpu-2gb", "debian-12-x64"),
            ("web-002", "fra1", "s-2vcpu-2gb", "debian-12-x64"),
            ("far", "sgp1", "s-2vcpu-2gb", "debian-12-x64"),
        ]
        await rig.settled(cluster_id, 3)

    play(tmp_path, scenario)


@pytest.mark.parametrize("field", ["provider", "size", "region", "image"])
def test_what_no_provider_offers_is_refused_at_once_with_a_pointer(tmp_path: Path, field: str) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        with pytest.raises(Invalid) as refusal:
            await rig.ask("provision", cluster_id=cluster_id, **{field: "nonsense"})
        assert refusal.value.errors[0]["pointer"] == f"/parameters/{field}"
        spec = droplets.DropletSpec("x", cluster_id, **{field: "nonsense"})
        with pytest.raises(Invalid) as refusal:
            await rig.db.write(provision.request, rig.fleet, spec)
        assert refusal.value.errors[0]["pointer"] == f"/{field}"
        assert await rig.rows() == []
        assert (await rig.shape(cluster_id)).wanted_size == 0

    play(tmp_path, scenario)


def test_what_turns_out_to_be_wrong_fails_the_job_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        await rig.db.write(_spoil, cluster_id)
        job = await rig.ended(await rig.ask("provision", cluster_id=cluster_id))
        assert job.status == "failed"
        assert "nonsense" in (job.error or "")
        job = await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=2))
        assert job.status == "failed"
        assert (await rig.shape(cluster_id)).wanted_size == 0
        assert await rig.rows() == []

    play(tmp_path, scenario)


def _spoil(tx: Tx, cluster_id: str) -> None:
    """A cluster from a time when there was such a size."""
    tx.execute(clusters.update().where(clusters.c.id == cluster_id).values(size="nonsense"))


def test_requests_that_say_too_little_or_too_much_are_refused(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        for parameters, pointer, kind in (
            ({}, "/parameters/cluster_id", Invalid),
            ({"cluster_id": "cluster-none"}, None, NotFound),
            ({"droplet_id": "droplet-none"}, "/parameters/droplet_id", Invalid),
            ({"cluster_id": cluster_id, "count": 0}, "/parameters/count", Invalid),
            ({"cluster_id": cluster_id, "name": "a\nb"}, "/parameters/name", Invalid),
            ({"cluster_id": cluster_id, "nmae": "x"}, "/parameters/nmae", Invalid),
        ):
            with pytest.raises(kind) as refusal:
                await rig.ask("provision", **parameters)
            assert pointer is None or refusal.value.errors[0]["pointer"] == pointer

    play(tmp_path, scenario)


PASSING = [NoCapacity("full"), NoAnswer("nobody there"), Throttled("slowly", retry_after=0.05)]


@pytest.mark.parametrize("problem", PASSING, ids=lambda problem: problem.type_name())
def test_a_passing_trouble_delays_a_droplet_and_nothing_else(tmp_path: Path, problem: Problem) -> None:
    async def scenario(rig: Rig) -> None:
        rig.chaos.fail("create", problem)
        cluster_id = await rig.cluster()
        job = await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=3))
        assert (job.status, job.result["active"] if job.result else 0) == ("completed", 3)
        assert job.attempt == (1 if isinstance(problem, Throttled) else 2)
        await rig.settled(cluster_id, 3)

    play(tmp_path, scenario)


def test_a_lost_reply_makes_no_second_machine(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.chaos.lose_replies(2)
        cluster_id = await rig.cluster()
        assert (await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=2))).status == "completed"
        await rig.settled(cluster_id, 2)
        assert len(await rig.rows(status="deleted")) == 0

    play(tmp_path, scenario)


@pytest.mark.parametrize("problem", [Refused("no such thing"), OverQuota("ten at most")], ids=["refused", "quota"])
def test_a_refusal_fails_the_job_with_the_reason_and_the_cluster_is_healed(tmp_path: Path, problem: Problem) -> None:
    async def scenario(rig: Rig) -> None:
        rig.chaos.fail("create", problem)
        cluster_id = await rig.cluster()
        job = await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=3))
        assert job.status == "failed"
        assert problem.detail in (job.error or "")
        await rig.settled(cluster_id, 3)

    play(tmp_path, scenario)


def test_a_droplet_that_was_refused_can_be_tried_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.chaos.fail("create", Refused("not today"))
        droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        assert (await rig.ended(job)).status == "failed"
        row = await rig.row(droplet.id)
        assert (row.status, row.status_reason) == ("failed", "not today")
        await rig.db.write(jobs.retry, job.id)
        assert (await rig.ended(job)).status == "completed"
        assert (await rig.row(droplet.id)).status == "active"
        assert await rig.faults() == []

    play(tmp_path, scenario)


def test_an_agent_that_stays_silent_fails_the_job_with_that_reason(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        done = await rig.ended(job)
        assert "agent did not report" in (done.error or "")
        assert (await rig.row(droplet.id)).status == "failed"

    play(tmp_path, scenario, Weather(boot_seconds=(60, 60)), enroll_seconds=0.2)


def test_a_droplet_that_is_deleted_while_it_is_ordered_leaves_no_machine(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet, making = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        await rig.until(lambda: _running(rig, making.id))
        _, ending = await rig.db.write(destroy.request, droplet.id)
        with pytest.raises(DropletLeaving):
            await rig.db.write(destroy.request, droplet.id)
        await rig.ended(making)
        assert (await rig.ended(ending)).status == "completed"
        await rig.until(lambda: _empty(rig))
        assert await rig.faults() == []

    play(tmp_path, scenario, SLOW)


async def _running(rig: Rig, job_id: str) -> bool:
    return (await rig.job(job_id)).status == "running"


async def _empty(rig: Rig) -> bool:
    return rig.tags() == [] and await rig.rows() == []


def test_a_cancelled_provisioning_leaves_what_was_there_and_may_be_tried_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)
        job = await rig.ask("provision", cluster_id=cluster_id, count=3)
        await rig.until(lambda: _running(rig, job.id))
        await rig.db.write(jobs.cancel, job.id)
        assert (await rig.ended(job)).status == "cancelled"
        await rig.settled(cluster_id, 1)
        await rig.db.write(jobs.retry, job.id)
        assert (await rig.ended(job)).status == "completed"
        await rig.settled(cluster_id, 4)

    play(tmp_path, scenario, SLOW)


@pytest.mark.parametrize("problem", [NoAnswer("nobody there"), Throttled("slowly", retry_after=0.05)])
def test_a_machine_that_will_not_end_at_once_ends_later(tmp_path: Path, problem: Problem) -> None:
    async def scenario(rig: Rig) -> None:
        droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        await rig.ended(job)
        rig.chaos.fail("destroy", problem)
        _, job = await rig.db.write(destroy.request, droplet.id)
        assert (await rig.ended(job)).status == "completed"
        assert await _empty(rig)

    play(tmp_path, scenario)


def test_a_provider_that_was_taken_away_is_said_and_its_machines_are_ended_when_it_is_back(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        droplet, job = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
        await rig.ended(job)
        there = rig.fleet.drivers
        rig.fleet.drivers = {}
        _, job = await rig.db.write(destroy.request, droplet.id)
        done = await rig.ended(job)
        assert (done.status, "not configured" in (done.error or "")) == ("failed", True)
        assert (await rig.row(droplet.id)).status == "deleting"
        rig.fleet.drivers = there
        await rig.until(lambda: _empty(rig))

    play(tmp_path, scenario)


def test_names_given_by_hand_are_passed_over(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        spec = droplets.DropletSpec("web-003", cluster_id)
        _, job = await rig.db.write(provision.request, rig.fleet, spec)
        await rig.ended(job)
        assert (await rig.ended(await rig.ask("provision", cluster_id=cluster_id, count=3))).status == "completed"
        assert [row.name for row in await rig.rows()] == ["web-003", "web-004", "web-005", "web-006"]

    play(tmp_path, scenario)


def test_a_silent_provider_is_waited_for_and_nothing_goes_elsewhere(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.fleet._catalogs.clear()
        rig.fleet._unheard["simulated"] = "it was not asked yet"
        cluster_id = await rig.cluster()
        job = await rig.ask("provision", cluster_id=cluster_id, size="s-1vcpu-1gb")
        await rig.until(lambda: _tried(rig, job.id))
        await rig.fleet.refresh()
        assert (await rig.ended(job)).status == "completed"
        await rig.settled(cluster_id, 1)

    play(tmp_path, scenario)


async def _tried(rig: Rig, job_id: str) -> bool:
    return "has not said yet" in (await rig.job(job_id)).message
