"""Run one attempt of one job, and put into words how it ended."""

import asyncio
from typing import Any

from clustergenie.jobs import kinds, metrics
from clustergenie.jobs.models import Fail, Handler, LostLease, Retry
from clustergenie.jobs.running import Running, remembered
from clustergenie.jobs.settle import Leave
from clustergenie.jobs.store import Claimed
from clustergenie.platform.db import Database
from clustergenie.platform.errors import Problem, Unavailable
from clustergenie.platform.telemetry import bound, log


async def attempt(db: Database, handler: Handler[Any] | None, job: Claimed) -> Leave | None:
    """How it ended, or None when the lease was lost meanwhile. Cancellation passes through."""
    with bound(job_id=job.id, trace_id=job.trace_id, cluster_id=job.cluster_id):
        if handler is None:
            return Leave(job.id, job.fence, "failed", error=f"this version has no handler for jobs of type {job.type}")
        metrics.waiting_seconds.labels(job.type).observe(max(0.0, _waited(job)))
        try:
            parameters = kinds.understand(handler.kind, job.parameters)
            known = await db.read(remembered, job.id) if job.attempt > 1 else {}
            running = Running(job, parameters, db, known)
            async with asyncio.timeout(job.timeout_seconds):
                result = await handler.run(running)
        except LostLease:
            metrics.lost_leases.inc()
            log().warning("lease lost; stopping", fence=job.fence)
            return None
        except Exception as failure:  # noqa: BLE001 - whatever a handler raises becomes the attempt's outcome
            leave = _ended_badly(job, failure)
            log().warning("attempt failed", outcome=leave.outcome, error=leave.error, attempt=job.attempt)
            return leave
        return Leave(job.id, job.fence, "completed", result=result or {})


def _waited(job: Claimed) -> float:
    return 0.0 if job.attempt > 1 else (job.claimed_at - job.run_at).total_seconds()


def _ended_badly(job: Claimed, failure: Exception) -> Leave:
    match failure:
        case Fail():
            return Leave(job.id, job.fence, "failed", error=str(failure))
        case Retry():
            return Leave(job.id, job.fence, "retry", error=str(failure), delay_seconds=failure.seconds)
        case TimeoutError():
            return Leave(job.id, job.fence, "retry", error=f"exceeded its limit of {job.timeout_seconds} s")
        case Problem():
            return _problem(job, failure)
    log().error("handler raised", exc_info=failure)
    return Leave(job.id, job.fence, "retry", error=f"{type(failure).__name__}: {failure}")


def _problem(job: Claimed, failure: Problem) -> Leave:
    """What cannot get better by itself fails at once; a busy or absent service is asked again."""
    after = failure.extra.get("retry_after")
    passing = isinstance(failure, Unavailable) or failure.status >= 500 or failure.status == 429
    if not passing:
        return Leave(job.id, job.fence, "failed", error=failure.detail)
    delay = float(str(after)) if after is not None else None
    return Leave(job.id, job.fence, "retry", error=failure.detail, delay_seconds=delay)
