"""Jobs over HTTP."""

import datetime as dt
import hashlib
import http
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter

from clustergenie import auth, events
from clustergenie.jobs import control, kinds, service
from clustergenie.jobs.bulk import routes as bulk_routes
from clustergenie.jobs.enqueue import Accepted, enqueue_many, get
from clustergenie.jobs.models import (
    Attempt,
    Enqueue,
    Job,
    JobConflict,
    JobEnded,
    JobLive,
    JobNotFound,
    JobRequest,
    KeyReused,
    Step,
    UnknownJobType,
)
from clustergenie.jobs.pool import Pool
from clustergenie.jobs.schedule_routes import routes as schedule_routes
from clustergenie.platform import clock, telemetry
from clustergenie.platform import http as web
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import invalid

LONGEST_WAIT = dt.timedelta(days=366)


class JobReply(msgspec.Struct):
    """A job, and what became of the request."""

    job: Job
    message: str


class JobList(msgspec.Struct):
    """A page of jobs."""

    jobs: list[Job]
    page: int
    page_size: int
    total: int
    next_cursor: str | None
    counts: dict[str, int] | None = None


class AttemptList(msgspec.Struct):
    """Every attempt of a job, oldest first."""

    attempts: list[Attempt]


class StepList(msgspec.Struct):
    """What a job remembers to have done, oldest first."""

    steps: list[Step]


class Submit:
    """The way into the queue that many requests take together."""

    def __init__(self, db: Database) -> None:
        self.one: Callable[[Enqueue], Awaitable[Accepted]] = db.batched(enqueue_many)


@web.post("/jobs", allow=web.OPERATOR, scoped=True, raises=[UnknownJobType, KeyReused, JobConflict], tags=["jobs"])
async def create_job(
    submit: Submit,
    data: JobRequest,
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(name="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$(?!\n)"),
    ] = None,
) -> Response[JobReply]:
    """Queue a job. With an Idempotency-Key the same request may be sent again: it leads to the same job."""
    kind = kinds.public(data.type)
    parameters = kinds.understand(kind, data.parameters)
    item = Enqueue(
        kind,
        parameters,
        telemetry.trace_id(),
        data.priority,
        _moment(data.run_at),
        data.max_attempts,
        data.on_conflict,
        data.unique_key,
        idempotency_key,
        _hash(data) if idempotency_key is not None else "",
        actor=auth.acting(),
        asker=auth.acting(),
    )
    accepted = await submit.one(item)
    if accepted.created:
        telemetry.plain("info", "job Created", job_id=accepted.job.id, job_type=data.type)
        return Response(JobReply(accepted.job, "created"), status_code=http.HTTPStatus.CREATED)
    return Response(JobReply(accepted.job, "already there"), status_code=http.HTTPStatus.OK)


create_job.responses[http.HTTPStatus.OK] = ResponseSpec(
    data_container=JobReply,
    description="The job that this request, or a live one of the same unique key, led to before.",
    generate_examples=False,
)


def _moment(run_at: dt.datetime | None) -> dt.datetime | None:
    """A moment to come, in UTC; None for at once. What has passed may be too long ago to be told in UTC."""
    now = clock.now()
    if run_at is None or run_at <= now:
        return None
    if run_at > now + LONGEST_WAIT:
        raise invalid("/run_at", f"must be within {LONGEST_WAIT.days} days from now")
    return run_at.astimezone(dt.UTC)


def _hash(data: JobRequest) -> str:
    return hashlib.sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()


@web.get("/jobs", allow=web.VIEWER, scoped=True, tags=["jobs"])
async def list_jobs(
    db: Database,
    paging: web.Paging,
    cluster_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
    droplet_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
    job_type: Annotated[str | None, QueryParameter(name="type", max_length=64)] = None,
    status: Annotated[
        str | None, QueryParameter(description="pending, running, completed, failed or cancelled", max_length=16)
    ] = None,
    trace_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
    counts: Annotated[bool, QueryParameter(description="Tell as well how many there are of each status.")] = False,
) -> JobList:
    """List jobs, newest first unless asked otherwise."""
    wanted = service.JobFilter(cluster_id, droplet_id, job_type, status, trace_id)
    found = await db.read(service.page, wanted, paging)
    counted = (await db.read(service.counts, wanted)).counts if counts else None
    return JobList(found.items, found.page, found.page_size, found.total, found.next_cursor, counted)


@web.get("/jobs/counts", allow=web.VIEWER, scoped=True, tags=["jobs"])
async def count_jobs(
    db: Database,
    cluster_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
    droplet_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
    job_type: Annotated[str | None, QueryParameter(name="type", max_length=64)] = None,
    trace_id: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> web.Counts:
    """How many jobs there are of each status."""
    return await db.read(service.counts, service.JobFilter(cluster_id, droplet_id, job_type, None, trace_id))


@web.get("/jobs/{job_id:str}", allow=web.VIEWER, scoped=True, raises=[JobNotFound], tags=["jobs"])
async def get_job(db: Database, job_id: FromPath[str]) -> JobReply:
    """One job."""
    return JobReply(await db.read(get, job_id), "ok")


@web.post(
    "/jobs/{job_id:str}/cancel",
    allow=web.OPERATOR,
    scoped=True,
    raises=[JobNotFound, JobEnded],
    status_code=200,
    tags=["jobs"],
)
async def cancel_job(db: Database, job_id: FromPath[str]) -> JobReply:
    """Stop a job: at once if it waits, as soon as it can if it runs."""
    job = await db.write(control.cancel, job_id)
    return JobReply(job, "cancelled" if job.status == "cancelled" else "stopping")


@web.post(
    "/jobs/{job_id:str}/retry",
    allow=web.OPERATOR,
    scoped=True,
    raises=[JobNotFound, JobLive, JobEnded, JobConflict],
    status_code=200,
    tags=["jobs"],
)
async def retry_job(db: Database, job_id: FromPath[str]) -> JobReply:
    """Queue a failed or cancelled job again; what its steps remember is kept."""
    return JobReply(await db.write(control.retry, job_id), "queued again")


@web.get("/jobs/{job_id:str}/attempts", allow=web.VIEWER, scoped=True, raises=[JobNotFound], tags=["jobs"])
async def list_attempts(db: Database, job_id: FromPath[str]) -> AttemptList:
    """Every attempt at a job."""
    return AttemptList(await db.read(service.attempts_of, job_id))


@web.get("/jobs/{job_id:str}/steps", allow=web.VIEWER, scoped=True, raises=[JobNotFound], tags=["jobs"])
async def list_steps(db: Database, job_id: FromPath[str]) -> StepList:
    """What a job remembers: tried again, it goes on after the last of these."""
    return StepList(await db.read(service.steps_of, job_id))


@web.get("/jobs/{job_id:str}/events", allow=web.VIEWER, scoped=True, raises=[JobNotFound], tags=["jobs"])
async def list_job_events(db: Database, paging: web.Paging, job_id: FromPath[str]) -> events.EventsReply:
    """What happened to a job, newest first unless asked otherwise."""
    return await db.read(_events_of, job_id, paging)


def _events_of(tx: Tx, job_id: str, paging: web.Paging) -> events.EventsReply:
    get(tx, job_id)
    return events.history(tx, paging, job_id=job_id)


@web.get("/observability/workerpool", allow=web.VIEWER, tags=["observability"])
async def show_pool(db: Database, pool: Pool) -> dict[str, Any]:
    """The worker pools of all processes taken together, each by itself, and the queue that they share."""
    return service.pools(pool.snapshot(), await db.read(service.queue_state))


routes = [
    create_job,
    list_jobs,
    count_jobs,
    get_job,
    cancel_job,
    retry_job,
    list_attempts,
    list_steps,
    list_job_events,
    show_pool,
    *bulk_routes,
    *schedule_routes,
]
root_routes = [show_pool]
