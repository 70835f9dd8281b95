"""On servers too the queue stays fast when it is long: what is asked all the time goes by an index."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from clustergenie import jobs
from clustergenie.jobs import rescue
from clustergenie.jobs.enqueue import _row
from clustergenie.jobs.models import Lanes
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.tables import jobs as table
from clustergenie.platform import migrate
from clustergenie.platform.clock import now
from clustergenie.platform.db import Tx
from tests import databases
from tests.jobs.queues import Work, item

pytestmark = pytest.mark.sqlite  # it brings its own servers

READY, DONE = 2_000, 18_000

HOT: dict[str, Callable[[Tx], object]] = {
    "claim": lambda tx: jobs.store_for(tx.dialect).claim(tx, "worker-a", 20),
    "promote": lambda tx: jobs.store_for(tx.dialect).promote(tx, 500),
    "leave": lambda tx: leave_many(tx, [Leave("job-1", 1, "completed")]),
    "enqueue with a unique key": lambda tx: jobs.enqueue_many(tx, [item(Work(unique="u"))]),
    "enqueue that will not wait": lambda tx: jobs.enqueue_many(tx, [item(Work(serial="s-1"), on_conflict="reject")]),
    "rescue": lambda tx: tx.execute(rescue._OWNED, {"worker": "worker-a"}).all(),
    "rescue of orphans": rescue.orphaned,
    "expire": rescue.expire,
    "jobs of a cluster": lambda tx: jobs.live_of_cluster(tx, "cluster-7"),
    "jobs of one trace": lambda tx: tx.execute(table.select().where(table.c.trace_id == "ab" * 16)).all(),
    "prune": lambda tx: jobs.prune(tx, tx.now - dt.timedelta(days=30), 100),
}


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def full(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A database with a long history and a long queue."""
    server = databases.bare(request.param)
    migrate.ensure_server(server)
    with server.engine.connect() as connection:
        connection.execute(insert(table), list(_rows()))
        connection.commit()
        connection.exec_driver_sql("ANALYZE TABLE jobs" if server.dialect == "mysql" else "ANALYZE jobs")
        connection.commit()
        yield connection
    server.engine.dispose()


def _rows() -> Iterator[dict[str, Any]]:
    moment = now()
    for place in range(READY + DONE):
        one = item()
        one.lanes = Lanes(cluster_id=f"cluster-{place % 500}", serial_key=f"s-{place}" if place % 10 == 0 else None)
        one.trace_id = f"{place:032x}"
        row = _row(one, moment - dt.timedelta(seconds=place % 5000))
        if place >= READY:
            row |= {"state": "completed", "completed_at": moment, "deadline_at": None}
        yield row


@pytest.mark.parametrize("what", HOT)
def test_what_is_asked_all_the_time_goes_by_an_index(full: Connection, what: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        asked.append((statement, parameters[0] if many else parameters))

    event.listen(full, "before_cursor_execute", note)
    try:
        HOT[what](Tx(full, now()))
    finally:
        event.remove(full, "before_cursor_execute", note)
        full.rollback()
    looked = [pair for pair in asked if re.match(r"\s*(SELECT|UPDATE|DELETE)", pair[0]) and "jobs" in pair[0]]
    assert looked
    for statement, parameters in looked:
        assert not _reads_all(full, statement, parameters), statement


def _reads_all(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """The lines of the plan that read the whole table of jobs."""
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().all()
    connection.rollback()
    if connection.dialect.name == "postgresql":
        return [row["QUERY PLAN"] for row in rows if "Seq Scan on jobs" in row["QUERY PLAN"]]
    return [str(dict(row)) for row in rows if row["type"] == "ALL" and row["table"] in ("jobs", "j", "o")]


def test_a_claim_looks_at_no_more_rows_than_it_takes(full: Connection) -> None:
    if full.dialect.name == "mysql":
        full.exec_driver_sql("FLUSH STATUS")
        HOT["claim"](Tx(full, now()))
        read = full.execute(text("SHOW SESSION STATUS LIKE 'Handler_read_next'")).one()[1]
        assert int(read) < 200
    else:
        plan = full.exec_driver_sql(
            "EXPLAIN SELECT id FROM jobs j WHERE state = 'ready' ORDER BY priority, run_at, id LIMIT 20"
        ).scalars()
        assert any("ix_jobs_claim" in line for line in plan)
    full.rollback()
