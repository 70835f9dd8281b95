"""`clustergenie job …`."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import follow, resolve
from clustergenie.cli.cluster import OnConflict
from clustergenie.cli.failures import Usage
from clustergenie.cli.follow import DEFAULTS as NO_WAIT
from clustergenie.cli.follow import Waiting
from clustergenie.cli.options import DEFAULTS, ClusterRef, JobRef, Limit, Options, Sort, order
from clustergenie.cli.tables import EVENT, JOB, Shape, age, column, shape

ATTEMPT: Shape = Shape(
    "attempt",
    (
        *shape("attempt", "attempt", "outcome").columns,
        age("started", "started_at"),
        age("ended", "ended_at"),
        column("worker_id"),
        column("fence", wide=True),
        column("error"),
    ),
    ident="attempt",
)


def list_jobs(
    *,
    cluster: ClusterRef | None = None,
    type: str | None = None,
    status: str | None = None,
    trace_id: str | None = None,
    sort: Sort = None,
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List jobs, newest first.

    Args:
        type: Only jobs of this type: provision, scale, diagnose, monitor…
        status: Only jobs in this status: pending, running, completed, failed, cancelled.
        trace_id: Only jobs of this trace.
    """
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"] if cluster else None
        filters = {"cluster_id": ident, "type": type, "status": status, "trace_id": trace_id}
        options.rows(JOB, client.jobs.list(limit=limit, **filters, **order(sort)))


def get_job(job: JobRef, /, *, options: Options = DEFAULTS) -> None:
    """Show one job."""
    with options.client() as client:
        options.detail(JOB, client.jobs.get(job), "job")


def create_job(
    type: str,
    /,
    *,
    cluster: ClusterRef | None = None,
    param: Annotated[Sequence[str], Parameter(name=["--param", "-p"], negative="", help="NAME=VALUE; repeat it.")] = (),
    priority: int | None = None,
    run_at: str | None = None,
    max_attempts: int | None = None,
    unique_key: str | None = None,
    idempotency_key: str | None = None,
    on_conflict: OnConflict = None,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Ask for a job: `job create diagnose --cluster web`, `job create provision --cluster web -p count=3`.

    Args:
        type: provision, scale, diagnose, monitor, noop…
        priority: Jobs with a higher one go first.
        run_at: Not before this time (RFC 3339).
        max_attempts: How often it may be tried.
        unique_key: Only one unended job may have this key.
        idempotency_key: A repeated call with this key answers with the first one's job.
    """
    parameters = parse_parameters(param)
    with options.client() as client:
        if cluster:
            parameters["cluster_id"] = resolve.cluster(client, cluster)["id"]
        wishes = {"priority": priority, "run_at": run_at, "max_attempts": max_attempts, "unique_key": unique_key}
        reply = client.jobs.create(type, parameters, idempotency_key=idempotency_key, on_conflict=on_conflict, **wishes)
        if follow.finish(client, reply, waiting, type):
            reply = client.jobs.get(reply["job"]["id"])
        options.one(JOB, reply, "job")


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`count=3` as {"count": 3}: values are JSON where they are, and text otherwise."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise Usage(f"{pair!r} is not NAME=VALUE, as in --param count=3.")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def cancel_job(job: JobRef, /, *, options: Options = DEFAULTS) -> None:
    """Ask a job to stop."""
    with options.client() as client:
        options.one(JOB, client.jobs.cancel(job), "job")


def retry_job(job: JobRef, /, *, waiting: Waiting = NO_WAIT, options: Options = DEFAULTS) -> None:
    """Run a job that ended once more."""
    with options.client() as client:
        reply = client.jobs.retry(job)
        if follow.finish(client, reply, waiting, f"retry {job}"):
            reply = client.jobs.get(job)
        options.one(JOB, reply, "job")


def list_attempts(job: JobRef, /, *, options: Options = DEFAULTS) -> None:
    """Show every attempt of a job, with its outcome."""
    with options.client() as client:
        options.rows(ATTEMPT, client.jobs.attempts(job).get("attempts") or [])


def list_job_events(job: JobRef, /, *, options: Options = DEFAULTS) -> None:
    """Show what happened in a job, in order."""
    with options.client() as client:
        options.rows(EVENT, client.jobs.events(job))
