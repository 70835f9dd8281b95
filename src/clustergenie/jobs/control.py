"""Cancel a job, or try one again that has ended."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from clustergenie import auth
from clustergenie.jobs import settle, signals
from clustergenie.jobs.models import LIVE_STATES, Job, JobConflict, JobEnded, JobLive, JobNotFound, shown
from clustergenie.jobs.tables import jobs
from clustergenie.platform.db import Tx
from clustergenie.platform.event import Event


def cancel(tx: Tx, job_id: str, reason: str = "cancelled on request") -> Job:
    """Stop a job: at once if it waits, at its next step if it runs. Raises JobNotFound, JobEnded."""
    row = _locked(tx, job_id)
    if row.state not in LIVE_STATES:
        raise JobEnded(f"{job_id} has already ended as {row.state}; there is nothing to cancel.")
    cancel_row(tx, row, reason)
    auth.audit(tx, "job.cancel", job_id, cluster_id=row.cluster_id, before={"type": row.type, "state": row.state})
    return shown(_locked(tx, job_id))


def cancel_row(tx: Tx, row: Any, reason: str) -> None:
    """Cancel a live row read in this transaction."""
    if row.state != "running":
        settle.apply(tx, [settle.Move(row, "cancelled", None, reason, error=reason)])
        return
    if row.cancel_requested_at is None:
        tx.execute(
            update(jobs)
            .where(jobs.c.id == row.id)
            .values(cancel_requested_at=tx.now, version=row.version + 1, message=signals.STOPPING + reason)
        )
        tx.emit(
            Event(
                type="job_progress",
                key=row.id,
                seq=row.version + 1,
                job_id=row.id,
                job_type=row.type,
                cluster_id=row.cluster_id,
                droplet_id=row.droplet_id,
                progress=row.progress,
                message=signals.STOPPING + reason,
                trace_id=row.trace_id,
            )
        )
    tx.after_commit(lambda: signals.cancel(row.id))


def retry(tx: Tx, job_id: str) -> Job:
    """Queue an ended job again; its attempts are kept and it gets as many more. Raises JobNotFound, JobLive."""
    row = _locked(tx, job_id)
    if row.state in LIVE_STATES:
        raise JobLive(f"{job_id} is still {row.state}; cancel it first, or wait.")
    if row.state == "completed":
        raise JobEnded(f"{job_id} completed; ask for a new job instead of repeating it.")
    try:
        settle.apply(tx, [settle.Move(row, "ready", None, "queued again on request")])
    except IntegrityError as clash:
        raise JobConflict(f"Another live job does the same work as {job_id} ({row.unique_key}).") from clash
    auth.audit(tx, "job.retry", job_id, cluster_id=row.cluster_id, before={"type": row.type, "state": row.state})
    more = row.attempt + max(1, row.max_attempts - row.attempt, 5)
    tx.execute(
        update(jobs).where(jobs.c.id == job_id).values(cancel_requested_at=None, max_attempts=more, completed_at=None)
    )
    return shown(_locked(tx, job_id))


def _locked(tx: Tx, job_id: str) -> Any:
    row = tx.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).one_or_none()
    if row is None or not auth.admits(row.cluster_id):
        raise JobNotFound(f"There is no job {job_id!r}; GET /api/v1/jobs lists them.")
    return row
