"""Run one attempt of one job, and put into words how it ended."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from clustergenie import auth
from clustergenie.jobs import kinds, metrics
from clustergenie.jobs.models import Fail, Handler, LostLease, Retry
from clustergenie.jobs.running import Running, begin, remembered
from clustergenie.jobs.settle import Leave
from clustergenie.jobs.store import Claimed
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem, Unavailable
from clustergenie.platform.telemetry import bound, log, redact

LONGEST_ERROR = 4000
"""Characters of an error that are kept; its beginning and its end say the most."""

LONG_AGO_SECONDS = 5.0
"""Who asked for a job that first runs this long after may not be allowed to any more."""

LATE_SECONDS = 1.0
"""A job that began this long after its claim has that noted, so that its time counts from its beginning."""


async def attempt(
    db: Database, handler: Handler[Any] | None, job: Claimed, *, waited_seconds: float = 0.0, refused: bool = False
) -> Leave | None:
    """How it ended, or None when the lease was lost meanwhile. Cancellation passes through.

    `refused`: when it was claimed it was one of the `unwanted`.
    """
    with bound(job_id=job.id, trace_id=job.trace_id, cluster_id=job.cluster_id):
        if handler is None:
            return Leave(job.id, job.fence, "failed", error=f"this version has no handler for jobs of type {job.type}")
        metrics.waiting_seconds.labels(job.type).observe(max(0.0, _waited(job)))
        limit = asyncio.timeout(job.timeout_seconds)
        try:
            # A job that was lost before says when it begins: only one that has begun can have brought down its worker.
            if waited_seconds > LATE_SECONDS or job.lost_count > 0:
                await db.write(begin, job)
            if refused or (_asked_long_ago(job) and waited_seconds > LATE_SECONDS and await db.read(_unwanted, job)):
                raise Fail(f"{job.created_by}, who asked for it, may not do this any more")
            parameters = kinds.understand(handler.kind, job.parameters)
            known = await db.read(remembered, job.id) if job.fence > 1 else {}
            running = Running(job, parameters, db, known)
            async with limit:
                result = await handler.run(running)
            return _ended_well(job, result)
        except Exception as failure:  # noqa: BLE001 - whatever a handler raises becomes the attempt's outcome
            decisive = _decisive(failure)
            if isinstance(decisive, LostLease):
                metrics.lost_leases.inc()
                log().warning("lease lost; stopping", fence=job.fence)
                return None
            leave = _ended_badly(job, decisive, too_long=limit.expired())
            log().warning("attempt failed", outcome=leave.outcome, error=leave.error, attempt=job.attempt)
            return leave


def unwanted(tx: Tx, claimed: Sequence[Claimed]) -> frozenset[str]:
    """Which of these were asked for long ago by somebody who could not ask for them any more.

    What follows from a job that has begun goes on. Those of one asker on one cluster are looked up together.
    """
    verdicts: dict[tuple[str | None, str | None], bool] = {}
    found = []
    for job in filter(_asked_long_ago, claimed):
        asked = (job.created_by, job.cluster_id)
        if asked not in verdicts:
            verdicts[asked] = _unwanted(tx, job)
        if verdicts[asked]:
            found.append(job.id)
    return frozenset(found)


def _asked_long_ago(job: Claimed) -> bool:
    kind = kinds.find(job.type)
    public = kind is not None and kind.public and job.created_by is not None
    return public and job.attempt == 1 and (job.claimed_at - job.created_at).total_seconds() > LONG_AGO_SECONDS


def _unwanted(tx: Tx, job: Claimed) -> bool:
    return job.created_by is not None and auth.lost_standing(tx, job.created_by, job.cluster_id)


def _waited(job: Claimed) -> float:
    return 0.0 if job.fence > 1 else (job.claimed_at - job.run_at).total_seconds()


def _ended_well(job: Claimed, result: dict[str, Any] | None) -> Leave:
    try:
        msgspec.json.encode(result)
    except (TypeError, ValueError, OverflowError) as failure:
        return Leave(job.id, job.fence, "failed", error=words(f"its result is not JSON: {failure}"))
    return Leave(job.id, job.fence, "completed", result=result or {})


def _leaves(failure: BaseException) -> Iterator[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        for inner in failure.exceptions:
            yield from _leaves(inner)
    else:
        yield failure


def _decisive(failure: Exception) -> Exception:
    """Of the failures of a task group, the one that decides: a lost lease, then a reason to give up, then the first."""
    single = [leaf for leaf in _leaves(failure) if isinstance(leaf, Exception)]
    return min(single, key=_weight, default=failure)


def _weight(failure: Exception) -> int:
    if isinstance(failure, LostLease):
        return 0
    final = isinstance(failure, Fail) or (isinstance(failure, Problem) and not _passing(failure))
    return 1 if final else 2


def _ended_badly(job: Claimed, failure: Exception, *, too_long: bool) -> Leave:
    match failure:
        case Fail():
            return Leave(job.id, job.fence, "failed", error=words(str(failure)))
        case Retry():
            return Leave(job.id, job.fence, "retry", error=words(str(failure)), delay_seconds=failure.seconds)
        case TimeoutError() if too_long:
            return Leave(job.id, job.fence, "retry", error=f"exceeded its limit of {job.timeout_seconds} s")
        case Problem():
            return _problem(job, failure)
    log().error("handler raised", exc_info=failure)
    return Leave(job.id, job.fence, "retry", error=words(f"{type(failure).__name__}: {failure}"))


def _passing(failure: Problem) -> bool:
    """A busy or absent service may be asked again; what the request itself is wrong about stays wrong."""
    return isinstance(failure, Unavailable) or failure.status >= 500 or failure.status == 429


def _problem(job: Claimed, failure: Problem) -> Leave:
    if not _passing(failure):
        return Leave(job.id, job.fence, "failed", error=words(failure.detail))
    after = failure.extra.get("retry_after")
    delay = float(str(after)) if after is not None else None
    return Leave(job.id, job.fence, "retry", error=words(failure.detail), delay_seconds=delay)


def words(error: str) -> str:
    """An error as it may be kept and shown: no secrets, no end of it missing, nothing a database refuses."""
    clean: str = redact(error).encode("utf-8", "replace").decode()
    if len(clean) <= LONGEST_ERROR:
        return clean
    half = LONGEST_ERROR // 2
    return f"{clean[:half]} … {clean[-half:]}"
