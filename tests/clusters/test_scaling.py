"""Clusters come to the size that was asked for last, in the order it was asked for, and heal by themselves."""

import contextlib
from pathlib import Path

import pytest

from clustergenie import droplets, jobs
from clustergenie.clusters import remove
from clustergenie.clusters.models import ClusterBusy, ClusterLeaving, ClusterNotFound
from clustergenie.droplets import destroy, provision
from clustergenie.jobs import OnConflict
from clustergenie.platform.errors import Invalid
from clustergenie.providers import NoAnswer, Refused
from clustergenie.providers.simulated import Weather
from tests.droplets.rig import Rig, play

SLOW = Weather(create_seconds=(0.3, 0.4), boot_seconds=(0, 0), destroy_seconds=(0, 0))


async def running(rig: Rig, job: jobs.Job) -> bool:
    return (await rig.job(job.id)).status == "running"


async def deleted(rig: Rig, cluster_id: str) -> bool:
    with contextlib.suppress(ClusterNotFound):
        return await rig.shape(cluster_id) is None
    return rig.tags() == [] and await rig.rows() == [] and not await rig.faults()


def test_scaling_up_and_down_by_size_and_by_steps(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        for parameters, size in (
            ({"target_size": 5}, 5),
            ({"action": "scale_down"}, 4),
            ({"action": "scale_up", "by": "2"}, 6),
            ({"action": "scale_down", "by": 100}, 0),
            ({"target_size": 0}, 0),
            ({"target_size": 1}, 1),
        ):
            job = await rig.ended(await rig.ask("scale", cluster_id=cluster_id, **parameters))
            assert (job.status, job.result["to"] if job.result else None) == ("completed", size)
            await rig.settled(cluster_id, size)

    play(tmp_path, scenario)


@pytest.mark.parametrize("parameters", [{}, {"target_size": 1, "action": "scale_up"}, {"target_size": -1}, {"by": 0}])
def test_a_scale_that_names_no_target_or_two_is_refused(tmp_path: Path, parameters: dict[str, object]) -> None:
    async def scenario(rig: Rig) -> None:
        with pytest.raises(Invalid) as refusal:
            await rig.ask("scale", cluster_id=await rig.cluster(), **parameters)
        assert refusal.value.errors[0]["pointer"].startswith("/parameters/")

    play(tmp_path, scenario)


def test_the_oldest_stay_when_a_cluster_shrinks(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)
        proven = [row.id for row in await rig.rows()]
        await rig.ask("scale", cluster_id=cluster_id, target_size=5)
        await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=2))
        await rig.settled(cluster_id, 2)
        assert [row.id for row in await rig.rows()] == proven

    play(tmp_path, scenario)


def test_scale_jobs_of_a_cluster_go_one_by_one_in_the_order_they_came(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        asked = [await rig.ask("scale", cluster_id=cluster_id, target_size=size) for size in (3, 1, 4, 2)]
        done = [await rig.ended(job) for job in asked]
        assert [(job.result or {}).get("to") for job in done] == [3, 1, 4, 2]
        ends = [job.completed_at for job in done]
        assert all(job.started_at >= end for job, end in zip(done[1:], ends[:-1], strict=True))  # type: ignore[operator]
        await rig.settled(cluster_id, 2)

    play(tmp_path, scenario)


def test_a_cancelled_scaling_leaves_what_is_up_and_may_be_tried_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)
        job = await rig.ask("scale", cluster_id=cluster_id, target_size=4)
        await rig.until(lambda: _wants(rig, cluster_id, 4))
        await rig.db.write(jobs.cancel, job.id)
        assert (await rig.ended(job)).status == "cancelled"
        await rig.settled(cluster_id, 1)
        await rig.db.write(jobs.retry, job.id)
        assert (await rig.ended(job)).status == "completed"
        await rig.settled(cluster_id, 4)

    play(tmp_path, scenario, SLOW)


async def _wants(rig: Rig, cluster_id: str, size: int) -> bool:
    return (await rig.shape(cluster_id)).wanted_size == size


def test_healing_waits_longer_after_each_failure_and_starts_afresh_after_a_success(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)
        rig.chaos.weather.refused = 1.0
        rig.chaos.crash((await rig.rows())[0].id)
        seen = await rig.until(lambda: _failed(rig, cluster_id, 2))
        assert seen == 2
        assert (await rig.shape(cluster_id)).status == "degraded"
        rig.chaos.weather.refused = 0.0
        await rig.settled(cluster_id, 1)
        assert await rig.backoff(cluster_id) == (0, None)

    play(tmp_path, scenario)


async def _failed(rig: Rig, cluster_id: str, times: int) -> int:
    failures, after = await rig.backoff(cluster_id)
    return failures if failures >= times and after is not None else 0


def test_a_droplet_deleted_by_hand_is_not_replaced_and_one_that_is_broken_is(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=3)
        await rig.settled(cluster_id, 3)
        _, job = await rig.db.write(destroy.request, (await rig.rows())[0].id)
        await rig.ended(job)
        await rig.settled(cluster_id, 2)
        rig.chaos.crash((await rig.rows())[0].id)
        await rig.settled(cluster_id, 2)

    play(tmp_path, scenario)


def test_a_machine_that_cannot_be_ended_does_not_hold_up_growth(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)
        rig.cloud.script.extend([("destroy", NoAnswer("away"))] * 3)
        _, job = await rig.db.write(destroy.request, (await rig.rows())[0].id)
        grown = await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=3), 2)
        assert grown.status == "completed"
        assert (await rig.job(job.id)).status != "completed"
        rig.cloud.script.clear()
        await rig.settled(cluster_id, 3)

    play(tmp_path, scenario)


def test_a_failed_scaling_is_finished_by_healing_and_by_being_tried_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        rig.chaos.fail("create", Refused("not this one"))
        job = await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=3))
        assert (job.status, "not this one" in (job.error or "")) == ("failed", True)
        await rig.db.write(jobs.retry, job.id)
        assert (await rig.ended(job)).status == "completed"
        await rig.settled(cluster_id, 3)

    play(tmp_path, scenario)


@pytest.mark.parametrize("on_conflict", ["queue", "replace"])
def test_a_cluster_is_deleted_after_its_work_or_instead_of_it(tmp_path: Path, on_conflict: OnConflict) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)
        work = [
            await rig.ask("provision", cluster_id=cluster_id, count=2),
            await rig.ask("scale", cluster_id=cluster_id, target_size=6),
        ]
        await rig.until(lambda: running(rig, work[0]))
        with pytest.raises(ClusterBusy):
            await rig.db.write(remove.request, cluster_id, "reject")
        cluster, job = await rig.db.write(remove.request, cluster_id, on_conflict)
        assert (cluster.status, cluster.wanted_size) == ("deleting", 0)
        with pytest.raises(ClusterLeaving):
            await rig.db.write(remove.request, cluster_id, on_conflict)
        for refused in ("provision", "scale"):
            with pytest.raises(ClusterLeaving):
                await rig.ask(refused, cluster_id=cluster_id, **({"target_size": 1} if refused == "scale" else {}))
        assert (await rig.ended(job)).status == "completed"
        if on_conflict == "replace":
            assert {(await rig.ended(one)).status for one in work} == {"cancelled"}
        await rig.until(lambda: deleted(rig, cluster_id))

    play(tmp_path, scenario, SLOW)


def test_an_idle_cluster_is_deleted_with_reject_and_its_name_is_free(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=2)
        await rig.settled(cluster_id, 2)
        _, job = await rig.db.write(remove.request, cluster_id, "reject")
        assert (await rig.ended(job)).status == "completed"
        assert await deleted(rig, cluster_id)
        again = await rig.cluster(of=1)
        assert again != cluster_id
        await rig.settled(again, 1)

    play(tmp_path, scenario)


def test_a_deletion_is_done_although_a_failed_scaling_is_tried_again_behind_it(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster()
        rig.chaos.fail("create", Refused("no"))
        scaling = await rig.ended(await rig.ask("scale", cluster_id=cluster_id, target_size=2))
        await rig.settled(cluster_id, 2)
        _, job = await rig.db.write(remove.request, cluster_id, "queue")
        await rig.until(lambda: running(rig, job))
        await rig.db.write(jobs.retry, scaling.id)
        assert (await rig.ended(job)).status == "completed"
        assert (await rig.ended(scaling)).status == "failed"
        await rig.until(lambda: deleted(rig, cluster_id))

    play(tmp_path, scenario, Weather(create_seconds=(0, 0), boot_seconds=(0, 0), destroy_seconds=(0.3, 0.3)))


def test_a_droplet_cannot_join_a_cluster_that_is_going(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        cluster_id = await rig.cluster(of=1)
        await rig.settled(cluster_id, 1)
        await rig.db.write(remove.request, cluster_id, "queue")
        with pytest.raises(ClusterLeaving):
            await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("late", cluster_id))
        await rig.until(lambda: deleted(rig, cluster_id))

    play(tmp_path, scenario)
