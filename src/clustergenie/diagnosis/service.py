"""Diagnose a cluster, keep the diagnosis, and look diagnoses up."""

import datetime as dt
import time
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, insert, select

from clustergenie import auth, clusters, droplets, jobs, monitoring
from clustergenie.clusters import Cluster
from clustergenie.diagnosis import plan
from clustergenie.diagnosis.models import Case, Diagnosis, DiagnosisLine, DiagnosisNotFound, Verdict
from clustergenie.diagnosis.tables import diagnoses
from clustergenie.platform import ids
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.http import Page, Paging, fetch_page
from clustergenie.platform.telemetry import trace_id

RECENT = dt.timedelta(minutes=10)
JOBS_ASKED = 20

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: diagnoses.c[name] for name in ("created_at", "severity", "took_ms", "id")
}


async def diagnose(db: Database, fleet: droplets.Fleet, cluster_id: str) -> tuple[Cluster, Diagnosis]:
    """Probe the droplets now, weigh everything, keep the outcome. Raises ClusterNotFound."""
    await db.read(clusters.get, cluster_id)  # else droplets would be probed for somebody who may not see them
    began = time.perf_counter()
    all_answered = await monitoring.prober_of(db, fleet).look_at(cluster_id)
    cluster, verdict = await db.read(weigh, fleet, cluster_id, all_answered)
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    return cluster, await db.write(keep, cluster_id, verdict, took_ms)


def weigh(tx: Tx, fleet: droplets.Fleet, cluster_id: str, all_answered: bool) -> tuple[Cluster, Verdict]:
    """What the rules make of what is known at this moment. Raises ClusterNotFound."""
    case = gather(tx, fleet, cluster_id, all_answered)
    return case.health.cluster, plan.diagnose(case)


def gather(tx: Tx, fleet: droplets.Fleet, cluster_id: str, all_answered: bool) -> Case:
    """Everything the rules look at. Raises ClusterNotFound."""
    health = monitoring.gather(tx, fleet, cluster_id)
    waiting = {facts.job_id for facts in health.droplets if facts.status in droplets.COMING and facts.job_id}
    messages = {}
    for job_id in sorted(waiting)[:JOBS_ASKED]:
        try:
            messages[job_id] = jobs.get(tx, job_id).message
        except jobs.JobNotFound:
            continue  # old jobs are forgotten before old droplets
    return Case(
        health=health,
        failed_jobs=jobs.failed_of_cluster(tx, cluster_id, tx.now - RECENT),
        messages=messages,
        queue=jobs.queue_state(tx),
        larger=_larger(fleet),
        all_answered=all_answered,
    )


def _larger(fleet: droplets.Fleet) -> dict[str, str]:
    """The size that has the next more memory, of each size."""
    sizes = {size.slug: size.memory_mb for name in fleet.drivers for size in fleet.catalog(name).sizes}
    ladder = sorted(sizes, key=lambda slug: (sizes[slug], slug))
    found = {}
    for slug in ladder:
        above = next((other for other in ladder if sizes[other] > sizes[slug]), None)
        if above is not None:
            found[slug] = above
    return found


def keep(tx: Tx, cluster_id: str, verdict: Verdict, took_ms: float, job_id: str | None = None) -> Diagnosis:
    """Keep a verdict, and say that the diagnosis is ready."""
    diagnosis = Diagnosis(
        id=f"diagnosis-{ids.sortable(tx.now)}",
        cluster_id=cluster_id,
        job_id=job_id,
        trace_id=trace_id(),
        created_at=tx.now,
        took_ms=took_ms,
        severity=verdict.severity,
        summary=verdict.summary,
        insights=verdict.insights,
        recommendations=verdict.recommendations,
        findings=verdict.findings,
        evidence=verdict.evidence,
    )
    tx.execute(insert(diagnoses).values(**msgspec.structs.asdict(diagnosis)))
    tx.emit(
        Event(
            type="diagnosis_completed",
            key=diagnosis.id,
            seq=1,
            cluster_id=cluster_id,
            job_id=job_id,
            job_type="diagnose" if job_id is not None else None,
            message=verdict.summary,
            trace_id=diagnosis.trace_id,
            payload={
                "diagnosis_id": diagnosis.id,
                "severity": verdict.severity,
                "findings": len(verdict.findings),
                "rules": sorted({finding.rule for finding in verdict.findings}),
            },
        )
    )
    return diagnosis


def get(tx: Tx, diagnosis_id: str) -> Diagnosis:
    """Raises DiagnosisNotFound."""
    row = tx.execute(select(diagnoses).where(diagnoses.c.id == diagnosis_id)).one_or_none()
    if row is None or not auth.admits(row.cluster_id):
        raise DiagnosisNotFound(f"There is no diagnosis {diagnosis_id!r}; GET /api/v1/diagnosis lists them.")
    return msgspec.convert({name: getattr(row, name) for name in Diagnosis.__struct_fields__}, Diagnosis)


def page(tx: Tx, cluster_id: str | None, paging: Paging) -> Page[DiagnosisLine]:
    """One page of diagnoses, newest first unless asked otherwise."""
    columns = (diagnoses.c[name] for name in DiagnosisLine.__struct_fields__)
    query = auth.visible(select(*columns), diagnoses.c.cluster_id)
    if cluster_id is not None:
        query = query.where(diagnoses.c.cluster_id == cluster_id)
    rows, total, following = fetch_page(tx, query, paging, SORTABLE, diagnoses.c.id)
    lines = [DiagnosisLine(**row._mapping) for row in rows]
    return Page(lines, paging.page, paging.page_size, total, following)


def prune(tx: Tx, before: dt.datetime, limit: int = 1_000) -> int:
    """Forget up to `limit` diagnoses from before that moment; how many. Call again until it is 0."""
    old = select(diagnoses.c.id).where(diagnoses.c.created_at < before).order_by(diagnoses.c.created_at).limit(limit)
    found = list(tx.execute(old).scalars())
    tx.execute(delete(diagnoses).where(diagnoses.c.id.in_(found)))
    return len(found)
