"""The queue stays fast when it is long: hot statements go by an index, and a long queue costs what it should."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from clustergenie import jobs
from clustergenie.jobs import rescue, service
from clustergenie.jobs.enqueue import _row
from clustergenie.jobs.models import Lanes
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.tables import jobs as table
from clustergenie.platform.db import Tx
from clustergenie.platform.http import Paging
from tests.jobs.queues import Clock, Queue, Work, item, tell

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has

FEW = Lanes(cluster_id="cluster-1", serial_key="cluster-1")

FEW_WORK = Work(serial="cluster-1")

HOT: dict[str, Any] = {
    "claim": lambda tx: jobs.SqliteStore().claim(tx, "worker-a", 80),
    "promote": lambda tx: jobs.SqliteStore().promote(tx, 500),
    "leave": lambda tx: leave_many(tx, [Leave("job-1", 1, "completed")]),
    "enqueue with a unique key": lambda tx: jobs.enqueue_many(tx, [item(Work(unique="u"))]),
    "enqueue that will not wait": lambda tx: jobs.enqueue_many(tx, [item(FEW_WORK, on_conflict="reject")]),
    "enqueue with a key": lambda tx: jobs.enqueue_many(tx, [item(idempotency_key="k", job_id="job-x")]),
    "rescue": lambda tx: (rescue.take_over(tx, "worker-a"), rescue.orphaned(tx)),
    "expire": rescue.expire,
    "age": rescue.age,
    "state of the queue": jobs.queue_state,
    "prune": lambda tx: jobs.prune(tx, tx.now),
    "jobs of a cluster": lambda tx: jobs.live_of_cluster(tx, "cluster-1"),
    "newest jobs": lambda tx: service.page(tx, service.JobFilter(), Paging()),
    "pending jobs": lambda tx: service.page(tx, service.JobFilter(status="pending"), Paging()),
    "failed jobs": lambda tx: service.page(tx, service.JobFilter(status="failed"), Paging()),
    "last runs of a type": lambda tx: service.page(
        tx, service.JobFilter(status="completed", type="work"), Paging(sort_by="completed_at")
    ),
    "counts": lambda tx: service.counts(tx, service.JobFilter()),
    "counts of a type": lambda tx: service.counts(tx, service.JobFilter(type="work")),
    "jobs of one trace": lambda tx: service.page(tx, service.JobFilter(trace_id="ab" * 16), Paging()),
}  # fmt: skip


def fill(tx: Tx, ready: int, done: int) -> None:
    """A long history, and a long queue of which every tenth job waits for its key."""
    rows = []
    for place in range(ready + done):
        one = item()
        one.lanes = FEW if place % 10 == 0 else Lanes()
        row = _row(one, tx.now - dt.timedelta(seconds=place % 50))
        if place >= ready:
            row |= {"state": "completed", "completed_at": tx.now, "deadline_at": None}
        rows.append(row)
    tx.execute(insert(table), rows)


@pytest.mark.parametrize("what", HOT)
def test_hot_statements_on_jobs_never_read_the_whole_table(tmp_path: Path, what: str) -> None:
    async def story(q: Queue) -> None:
        await q.db.write(fill, 50, 200)
        await q.db.write(explained, HOT[what])

    async def unchecked(q: Queue) -> None:
        await story(q)
        await q.db.write(lambda tx: tx.execute(text("DELETE FROM jobs")))

    tell(tmp_path, unchecked, clock=Clock())


def explained(tx: Tx, run: Any) -> None:
    """Run it, and let SQLite explain each statement it made."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    event.listen(tx.connection, "before_cursor_execute", note)
    run(tx)
    event.remove(tx.connection, "before_cursor_execute", note)
    assert seen
    for statement, parameters in seen:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            raw: Any = tx.connection.connection.driver_connection
            steps = [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + statement, parameters)]
            whole = [step for step in steps if step in ("SCAN jobs", "SCAN j", "SCAN o")]
            assert not whole, (statement, steps)


def test_a_claim_from_a_long_queue_is_a_short_walk(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        await q.db.write(fill, 20_000, 0)
        most = await q.db.write(instructions, q)
        # 80 jobs, among them the 2,000 of one key that wait; walking or sorting all 20,000 takes many millions.
        assert most < 600_000

    async def unchecked(q: Queue) -> None:
        await story(q)
        await q.db.write(lambda tx: tx.execute(text("DELETE FROM jobs")))

    tell(tmp_path, unchecked, clock=Clock())


def instructions(tx: Tx, q: Queue) -> int:
    """How many thousands of SQLite's instructions a claim of 80 takes, in instructions."""
    raw: Any = tx.connection.connection.driver_connection
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    raw.set_progress_handler(tick, 1000)
    try:
        assert len(q.store.claim(tx, "worker-a", 80)) == 80
    finally:
        raw.set_progress_handler(None, 0)
    return count * 1000
