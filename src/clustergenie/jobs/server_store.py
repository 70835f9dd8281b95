"""Take jobs on MySQL, MariaDB and PostgreSQL: lock rows that nobody else has locked, then change exactly those."""

from typing import Any

from sqlalchemy import Integer, bindparam, literal, literal_column, select, text, update

from clustergenie.jobs.sqlite_store import started
from clustergenie.jobs.store import Claimed
from clustergenie.jobs.tables import jobs
from clustergenie.platform.db import Tx

_MOMENT = jobs.c.created_at.type
_mine = jobs.alias("j")
_other = jobs.alias("o")

# As on SQLite, with `accepted` for the rowid. What another claim is taking at this moment still looks ready here, so
# it holds up the jobs behind it; should two claims meet nevertheless, the unique index stops the second, which is run
# again.
_HELD_UP = (
    select(literal(1))
    .select_from(_other)
    .where(
        _other.c.serial_key == _mine.c.serial_key,
        _other.c.id != _mine.c.id,
        text("o.state IN ('scheduled','ready','running')"),
        text("(o.state = 'running' OR (o.accepted < j.accepted AND (o.state = 'ready' OR o.attempt > 0)))"),
    )
    .exists()
)  # fmt: skip
_COLUMNS = [_mine.c[name] for name in Claimed._fields if name != "claimed_at"]
_NEXT = (
    select(*_COLUMNS)
    .where(_mine.c.state == literal_column("'ready'"), (_mine.c.serial_key.is_(None)) | ~_HELD_UP)
    .order_by(_mine.c.priority, _mine.c.run_at, _mine.c.id)
    .limit(bindparam("n", type_=Integer))
)
_DUE = (
    select(jobs.c.id)
    .where(jobs.c.state == literal_column("'scheduled'"), jobs.c.run_at <= bindparam("moment"))
    .order_by(jobs.c.run_at)
    .limit(bindparam("n", type_=Integer))
    .with_for_update(skip_locked=True)
)
_READY = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.state == literal_column("'scheduled'"))
    .values(state=literal_column("'ready'"))
)


def _claiming(deadline: str) -> Any:
    """Change claimed rows; `deadline` is the moment plus the row's timeout, in the database's words."""
    return (
        update(jobs)
        .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
        .values(
            state=literal_column("'running'"),
            attempt=jobs.c.attempt + 1,
            fence=jobs.c.fence + 1,
            version=jobs.c.version + 1,
            worker_id=bindparam("worker"),
            message="started",
            error=None,
            started_at=text("coalesce(started_at, :moment)").bindparams(bindparam("moment", type_=_MOMENT)),
            # A suspect has begun only once its worker says so: see `running.begin`.
            attempt_started_at=text("CASE WHEN lost_count = 0 THEN :moment END").bindparams(
                bindparam("moment", type_=_MOMENT)
            ),
            deadline_at=text(deadline).bindparams(bindparam("moment", type_=_MOMENT)),
        )
        # Else the planner may take the index on the state, and lock every job that is in it.
        .with_hint("FORCE INDEX (PRIMARY)", dialect_name="mysql")
    )


class ServerStore:
    """See `Store`."""

    def __init__(self, next_jobs: Any, claiming: Any) -> None:
        self._next, self._claiming = next_jobs, claiming

    def claim(self, tx: Tx, worker_id: str, limit: int) -> list[Claimed]:
        found = tx.execute(self._next, {"n": limit}).fetchall()
        if not found:
            return []
        tx.execute(self._claiming, {"ids": [row.id for row in found], "worker": worker_id, "moment": tx.now})
        claimed = [_taken(row, tx) for row in found]
        for job in claimed:
            tx.emit(started(job, worker_id, tx.now))
        return claimed

    def promote(self, tx: Tx, limit: int) -> int:
        due = list(tx.execute(_DUE, {"moment": tx.now, "n": limit}).scalars())
        return tx.execute(_READY, {"ids": due}).rowcount if due else 0


def _taken(row: Any, tx: Tx) -> Claimed:
    values = {**row._mapping, "claimed_at": tx.now}
    for counted in ("attempt", "fence", "version"):
        values[counted] += 1
    return Claimed(**values)


MYSQL_STORE = ServerStore(
    _NEXT.with_hint(_mine, "FORCE INDEX (ix_jobs_ready)", "mysql").with_for_update(skip_locked=True),
    _claiming("DATE_ADD(:moment, INTERVAL timeout_seconds SECOND)"),
)
POSTGRESQL_STORE = ServerStore(
    _NEXT.with_for_update(skip_locked=True, of=_mine),
    _claiming("CAST(:moment AS timestamptz) + timeout_seconds * interval '1 second'"),
)
