"""The monitor job: probe every droplet of a cluster now, and keep the answers."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from clustergenie import clusters, droplets, jobs
from clustergenie.monitoring import evidence, plan, prober
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem

BATCH = 100
NAMED = 100
"""How many droplets the job's result names, unhealthy ones first."""


class Monitor(msgspec.Struct, forbid_unknown_fields=True):
    """Which cluster to look at."""

    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)]


def _admit(tx: Tx, wanted: Sequence[Monitor]) -> list[Problem | None]:
    objections = clusters.Members().objections(tx, sorted({item.cluster_id for item in wanted}))
    return [objections.get(item.cluster_id) for item in wanted]


MONITOR = jobs.declare(
    jobs.Kind(
        "monitor",
        Monitor,
        timeout_seconds=600,
        lanes=lambda wanted: jobs.Lanes(cluster_id=wanted.cluster_id),
        admit=_admit,
    )
)


def handler(db: Database, fleet: droplets.Fleet) -> jobs.Handler[Monitor]:
    """What does the work. An answer replaces the one before, so twice is as good as once."""
    probing = prober.of(db, fleet)

    async def run(job: jobs.Running[Monitor]) -> dict[str, Any]:
        cluster_id = job.parameters.cluster_id
        targets = await job.read(prober.targets_of_cluster, cluster_id, probing.simulated)
        await job.progress(10, f"{len(targets)} probes to make")
        for start in range(0, len(targets), BATCH):
            outcomes = await probing.ask(targets[start : start + BATCH])
            await job.write(prober.keep, outcomes)
            done = start + len(outcomes)
            await job.progress(10 + 80 * done // len(targets), f"{done} of {len(targets)} probes made")
        return await job.write(_conclude, fleet, cluster_id)

    return jobs.Handler(MONITOR, run)


def _conclude(tx: Tx, fleet: droplets.Fleet, cluster_id: str) -> dict[str, Any]:
    """Note that the cluster was looked at; the job's result."""
    clusters.note_checked(tx, cluster_id)
    health = plan.judge(evidence.gather(tx, fleet, cluster_id))
    return {
        "status": health.status,
        "summary": health.summary,
        "healthy": health.counts["healthy"],
        "unhealthy": health.counts["unhealthy"],
        "not_probed": health.counts["not_probed"],
        "droplets": [_named(one) for one in health.droplets[:NAMED]],
    }


def _named(one: Any) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "status": one.status, "healthy": one.healthy, "reasons": one.reasons}
