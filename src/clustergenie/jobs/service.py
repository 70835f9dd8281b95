"""Look jobs up."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, delete, func, select, text

from clustergenie import auth
from clustergenie.jobs.enqueue import get
from clustergenie.jobs.models import STATES_OF, STATUS_OF, Attempt, Job, Step, shown
from clustergenie.jobs.tables import ENDED, LIVE, attempts, idempotency_keys, jobs, schedule_fires, steps, workers
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import invalid
from clustergenie.platform.http import Counts, Page, Paging, fetch_page

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: jobs.c[name]
    for name in ("created_at", "completed_at", "type", "state", "progress", "priority", "run_at", "id")
} | {"status": jobs.c.state}
FEW = 2000
"""Ended jobs that are sooner sorted than found by walking through all jobs in order."""


class JobFilter(msgspec.Struct, frozen=True):
    """Which jobs; None means any."""

    cluster_id: str | None = None
    droplet_id: str | None = None
    type: str | None = None
    status: str | None = None
    trace_id: str | None = None


def page(tx: Tx, wanted: JobFilter, paging: Paging) -> Page[Job]:
    """One page of jobs, newest first unless asked otherwise. Raises Invalid for an unknown status."""
    query, total = _filtered(wanted), None
    if wanted.status is not None and wanted.status not in ("pending", "running"):
        total = counts(tx, wanted).counts[wanted.status]
        runs = wanted.type is not None and paging.sort_by == "completed_at"  # in the order of that index
        query = query.where(text(ENDED)) if runs or total <= FEW else query
    rows, total, following = fetch_page(tx, query, paging, SORTABLE, jobs.c.id, total)
    return Page([shown(row) for row in rows], paging.page, paging.page_size, total, following)


def _filtered(wanted: JobFilter) -> Select[Any]:
    query = auth.visible(select(jobs), jobs.c.cluster_id)
    for name in ("cluster_id", "droplet_id", "type", "trace_id"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(jobs.c[name] == value)
    if wanted.status is not None:
        if wanted.status not in STATES_OF:
            raise invalid("?status", f"must be one of {', '.join(STATES_OF)}")
        query = query.where(jobs.c.state.in_(STATES_OF[wanted.status]))
        if wanted.status in ("pending", "running"):
            query = query.where(text(LIVE))  # says nothing new, but lets the planner use what indexes live jobs only
    return query


def counts(tx: Tx, wanted: JobFilter) -> Counts:
    """How many jobs there are of each status, by whatever else is wanted; two indexes hold the answer."""
    found = dict.fromkeys(STATES_OF, 0)
    anyhow = _filtered(msgspec.structs.replace(wanted, status=None))
    for part in (LIVE, ENDED):
        query = anyhow.with_only_columns(jobs.c.state, func.count().label("n")).where(text(part))
        for row in tx.execute(query.group_by(jobs.c.state)):
            found[STATUS_OF[row.state]] += row.n
    return Counts(found, sum(found.values()))


def steps_of(tx: Tx, job_id: str) -> list[Step]:
    """What the job remembers to have done, oldest first: another attempt goes on after it. Raises JobNotFound."""
    get(tx, job_id)
    query = select(steps.c.step, steps.c.fence, steps.c.at).where(steps.c.job_id == job_id)
    return [Step(name=row.step, fence=row.fence, at=row.at) for row in tx.execute(query.order_by(steps.c.at))]


def attempts_of(tx: Tx, job_id: str) -> list[Attempt]:
    """Every attempt, oldest first, the one under way included. Raises JobNotFound."""
    job = get(tx, job_id)
    rows = tx.execute(select(attempts).where(attempts.c.job_id == job_id).order_by(attempts.c.fence))
    found = [Attempt(**{name: getattr(row, name) for name in Attempt.__struct_fields__}) for row in rows]
    if job.state == "running":
        row = tx.execute(select(jobs.c.fence, jobs.c.attempt_started_at).where(jobs.c.id == job_id)).one()
        found.append(
            Attempt(
                attempt=job.attempt,
                fence=row.fence,
                worker_id=job.worker_id,
                started_at=row.attempt_started_at,
                ended_at=None,
                outcome="running",
                error=None,
            )
        )
    return found


def live_of_cluster(tx: Tx, cluster_id: str, types: tuple[str, ...] | None = None) -> list[Job]:
    """The jobs of a cluster that have not ended."""
    query = select(jobs).where(jobs.c.cluster_id == cluster_id, text(LIVE))
    if types is not None:
        query = query.where(jobs.c.type.in_(types))
    return [shown(row) for row in tx.execute(query.order_by(jobs.c.created_at))]


def is_live(tx: Tx, job_ids: set[str]) -> set[str]:
    """Those of the jobs that have not ended."""
    query = select(jobs.c.id).where(jobs.c.id.in_(job_ids), jobs.c.state.in_(("scheduled", "ready", "running")))
    return set(tx.execute(query).scalars())


def queue_state(tx: Tx) -> dict[str, Any]:
    """How much waits and runs, how long the oldest has waited, and which workers there are."""
    counted = select(jobs.c.state, func.count().label("n")).where(text(LIVE)).group_by(jobs.c.state)
    by_state: dict[str, int] = {row.state: row.n for row in tx.execute(counted)}
    oldest = tx.execute(select(func.min(jobs.c.run_at)).where(text("state = 'ready'"))).scalar()
    there = select(workers).where(workers.c.state.in_(("alive", "draining"))).order_by(workers.c.started_at)
    registered = tx.execute(there)
    return {
        "scheduled": by_state.get("scheduled", 0),
        "ready": by_state.get("ready", 0),
        "running": by_state.get("running", 0),
        "oldest_ready_seconds": max(0.0, (tx.now - oldest).total_seconds()) if oldest else 0.0,
        "workers": [
            {
                "id": row.id,
                "host": row.host,
                "pid": row.pid,
                "state": row.state,
                "slots": row.slots,
                "started_at": row.started_at,
                "lease_until": row.lease_until,
                "role": row.role,
                "version": row.version,
                "url": row.url,
                "last_seen_at": row.seen_at,
                "busy": row.busy,
                "waiting": row.waiting,
                "draining": row.state == "draining",
            }
            for row in registered
        ],
    }


def pools(own: dict[str, Any], queue: dict[str, Any]) -> dict[str, Any]:
    """What this process says of its own pool, and with it what the others said last: their numbers added up."""
    mine = {"busy": own["active_workers"], "waiting": own["queue_length"]}
    everyone = [one | mine if one["id"] == own["worker_id"] else one for one in queue["workers"]]
    others = [one for one in everyone if one["id"] != own["worker_id"]]
    return {
        **own,
        "worker_count": own["worker_count"] + sum(one["slots"] for one in others),
        "active_workers": own["active_workers"] + sum(one["busy"] for one in others),
        "queue_length": own["queue_length"] + sum(one["waiting"] for one in others),
        "queue": queue | {"workers": everyone},
    }


def prune(tx: Tx, before: dt.datetime, limit: int = 1000) -> int:
    """Forget jobs that ended before, with their attempts and steps, and idempotency keys older than a day.

    At most `limit` of each; returns how many, so call it again until that is 0."""
    yesterday = tx.now - dt.timedelta(days=1)
    before = min(before, yesterday)  # an Idempotency-Key must find its job for as long as it is kept
    ended = select(jobs.c.id).where(jobs.c.completed_at < before, jobs.c.deadline_at.is_(None)).limit(limit)
    old = list(tx.execute(ended).scalars())
    for table, column in ((attempts, attempts.c.job_id), (steps, steps.c.job_id), (jobs, jobs.c.id)):
        tx.execute(delete(table).where(column.in_(old)))
    stale = select(idempotency_keys.c.key).where(idempotency_keys.c.created_at < yesterday).limit(limit)
    keys = list(tx.execute(stale).scalars())
    tx.execute(delete(idempotency_keys).where(idempotency_keys.c.key.in_(keys)))
    tx.execute(delete(schedule_fires).where(schedule_fires.c.slot_at < before))
    return max(len(old), len(keys))
