"""Diagnoses over HTTP."""

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar.params import FromPath, QueryParameter

from clustergenie.clusters import Cluster, ClusterNotFound
from clustergenie.diagnosis import service
from clustergenie.diagnosis.models import (
    DiagnoseRequest,
    Diagnosis,
    DiagnosisLine,
    DiagnosisNotFound,
    Finding,
    Severity,
)
from clustergenie.droplets import Fleet
from clustergenie.platform import http as web
from clustergenie.platform.db import Database


class Diagnosed(msgspec.Struct, kw_only=True):
    """What is wrong with a cluster, why, and what can be done; `evidence` says what was looked at."""

    cluster: Cluster
    id: str
    severity: Severity
    summary: str
    insights: list[str]
    recommendations: list[str]
    findings: list[Finding]
    evidence: dict[str, Any]
    took_ms: float
    created_at: dt.datetime
    trace_id: str


class DiagnosisReply(msgspec.Struct):
    """A diagnosis."""

    diagnosis: Diagnosis
    message: str


class DiagnosisList(msgspec.Struct):
    """A page of diagnoses."""

    diagnoses: list[DiagnosisLine]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.post(
    "/diagnosis/diagnose",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ClusterNotFound],
    status_code=200,
    tags=["diagnosis"],
)
async def diagnose(db: Database, fleet: Fleet, data: DiagnoseRequest) -> Diagnosed:
    """Probe the droplets of a cluster now, and say what is wrong with it, with evidence, cause and remedy."""
    cluster, found = await service.diagnose(db, fleet, data.cluster_id)
    return Diagnosed(
        cluster=cluster,
        id=found.id,
        severity=found.severity,
        summary=found.summary,
        insights=found.insights,
        recommendations=found.recommendations,
        findings=found.findings,
        evidence=found.evidence,
        took_ms=found.took_ms,
        created_at=found.created_at,
        trace_id=found.trace_id,
    )


@web.get("/diagnosis", allow=web.VIEWER, scoped=True, tags=["diagnosis"])
async def list_diagnoses(
    db: Database,
    paging: web.Paging,
    cluster_id: Annotated[str | None, QueryParameter(min_length=1, max_length=64)] = None,
) -> DiagnosisList:
    """Diagnoses, newest first unless asked otherwise."""
    found = await db.read(service.page, cluster_id, paging)
    return DiagnosisList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/diagnosis/{diagnosis_id:str}", allow=web.VIEWER, scoped=True, raises=[DiagnosisNotFound], tags=["diagnosis"])
async def get_diagnosis(db: Database, diagnosis_id: FromPath[str]) -> DiagnosisReply:
    """One diagnosis with its findings."""
    return DiagnosisReply(await db.read(service.get, diagnosis_id), "ok")


routes = [diagnose, list_diagnoses, get_diagnosis]
