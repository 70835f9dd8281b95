"""Take jobs on SQLite: one UPDATE … RETURNING, safe because one thread does all the writing."""

import datetime as dt

from sqlalchemy import ColumnElement, Integer, bindparam, case, literal, literal_column, select, text, update

from clustergenie.jobs.store import Claimed
from clustergenie.jobs.tables import jobs
from clustergenie.platform.clock import micros
from clustergenie.platform.db import Tx
from clustergenie.platform.event import Event

_mine = jobs.alias("j")
_other = jobs.alias("o")
_READY: ColumnElement[str] = literal_column("'ready'")

# FIFO within a serial key, by acceptance: a job goes when nothing of its key that was accepted earlier is still ready,
# running, or waiting for another try. Jobs that were asked for a later time (attempt 0) hold nobody up. The rowid is
# the order of acceptance: jobs of one commit share `created_at`, their ids begin with the type, and clocks step back.
_HELD_UP = (
    select(literal(1))
    .select_from(_other)
    .where(
        _other.c.serial_key == _mine.c.serial_key,
        _other.c.id != _mine.c.id,
        text("o.state IN ('scheduled','ready','running')"),
        text("(o.state = 'running' OR (o.rowid < j.rowid AND (o.state = 'ready' OR o.attempt > 0)))"),
    )
    .exists()
)  # fmt: skip

_NEXT = (
    select(_mine.c.id)
    .where(_mine.c.state == _READY, (_mine.c.serial_key.is_(None)) | ~_HELD_UP)
    .order_by(_mine.c.priority, _mine.c.run_at, _mine.c.id)
    .limit(bindparam("n", type_=Integer))
)

_RETURNED = [
    bindparam("started", type_=jobs.c.created_at.type).label(name) if name == "claimed_at" else jobs.c[name]
    for name in Claimed._fields
]

_CLAIM = (
    update(jobs)
    .where(jobs.c.id.in_(_NEXT))
    .values(
        state=literal_column("'running'"),
        attempt=jobs.c.attempt + 1,
        fence=jobs.c.fence + 1,
        version=jobs.c.version + 1,
        worker_id=bindparam("worker"),
        message="started",
        error=None,
        started_at=text("coalesce(started_at, :moment)").bindparams(bindparam("moment", type_=Integer)),
        # A suspect has begun only once its worker says so: see `running.begin`.
        attempt_started_at=case(
            (jobs.c.lost_count == 0, bindparam("started", type_=jobs.c.created_at.type)), else_=None
        ),
        deadline_at=text(":moment + timeout_seconds * 1000000").bindparams(bindparam("moment", type_=Integer)),
    )
    .returning(*_RETURNED)
)

_PROMOTE = (
    update(jobs)
    .where(
        jobs.c.id.in_(
            select(_mine.c.id)
            .where(_mine.c.state == literal_column("'scheduled'"), _mine.c.run_at <= bindparam("moment_at"))
            .order_by(_mine.c.run_at)
            .limit(bindparam("n", type_=Integer))
        )
    )
    .values(state=_READY)
)


class SqliteStore:
    """See `Store`."""

    def claim(self, tx: Tx, worker_id: str, limit: int) -> list[Claimed]:
        values = {"n": limit, "worker": worker_id, "moment": micros(tx.now), "started": tx.now}
        claimed = [Claimed._make(row) for row in tx.execute(_CLAIM, values)]
        claimed.sort(key=lambda job: (job.priority, job.run_at, job.id))
        for job in claimed:
            tx.emit(started(job, worker_id, tx.now))
        return claimed

    def promote(self, tx: Tx, limit: int) -> int:
        return tx.execute(_PROMOTE, {"moment_at": tx.now, "n": limit}).rowcount


def started(job: Claimed, worker_id: str, now: dt.datetime) -> Event:
    """The `job_started` of a claim."""
    return Event(
        type="job_started",
        key=job.id,
        seq=job.version,
        job_id=job.id,
        job_type=job.type,
        cluster_id=job.cluster_id,
        droplet_id=job.droplet_id,
        progress=0,
        message="started" if job.attempt == 1 else f"started, attempt {job.attempt}",
        trace_id=job.trace_id,
        payload={
            "worker_id": worker_id,
            "attempt": job.attempt,
            "waited_seconds": max(0.0, round((now - job.created_at).total_seconds(), 3)),
        },
    )
