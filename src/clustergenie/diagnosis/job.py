"""The diagnose job: the same diagnosis, as durable work with progress."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from clustergenie import clusters, droplets, jobs, monitoring
from clustergenie.diagnosis import service
from clustergenie.diagnosis.models import Verdict
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem

NAMED = 20
"""How many findings the job's result carries; all of them are kept with the diagnosis."""


class Diagnose(msgspec.Struct, forbid_unknown_fields=True):
    """Which cluster is to be diagnosed."""

    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)]


def _admit(tx: Tx, wanted: Sequence[Diagnose]) -> list[Problem | None]:
    objections = clusters.Members().objections(tx, sorted({item.cluster_id for item in wanted}))
    return [objections.get(item.cluster_id) for item in wanted]


DIAGNOSE = jobs.declare(
    jobs.Kind(
        "diagnose",
        Diagnose,
        timeout_seconds=120,
        lanes=lambda wanted: jobs.Lanes(cluster_id=wanted.cluster_id),
        admit=_admit,
    )
)


def handlers(db: Database, fleet: droplets.Fleet) -> list[jobs.Handler[Any]]:
    """Who does diagnosis's jobs. The diagnosis and its event commit with the step, so they happen once."""

    async def run(job: jobs.Running[Diagnose]) -> dict[str, Any]:
        cluster_id = job.parameters.cluster_id
        began = time.perf_counter()
        await job.progress(10, "gathering the evidence")
        cluster = await job.read(clusters.get, cluster_id)
        await job.progress(50, f"probing the droplets of {cluster.name}")
        all_answered = await monitoring.prober_of(db, fleet).look_at(cluster_id)
        await job.progress(80, "weighing the evidence")
        _, verdict = await job.read(service.weigh, fleet, cluster_id, all_answered)
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        return await job.write_step("keep", _keep, cluster_id, verdict, took_ms, job.id)

    return [jobs.Handler(DIAGNOSE, run)]


def _keep(tx: Tx, cluster_id: str, verdict: Verdict, took_ms: float, job_id: str) -> dict[str, Any]:
    """The job's result."""
    diagnosis = service.keep(tx, cluster_id, verdict, took_ms, job_id)
    result: dict[str, Any] = msgspec.to_builtins(
        {
            "diagnosis_id": diagnosis.id,
            "severity": diagnosis.severity,
            "summary": diagnosis.summary,
            "insights": diagnosis.insights,
            "recommendations": diagnosis.recommendations,
            "findings": diagnosis.findings[:NAMED],
            "evidence": diagnosis.evidence,
        }
    )
    return result
