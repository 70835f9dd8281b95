"""The audit trail on a database server: nothing changes an entry, or deletes one before its time."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Executable, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from clustergenie.auth import audit_log as trail
from clustergenie.auth.audit_tables import audit_floor, audit_log
from clustergenie.platform import migrate
from clustergenie.platform.db import Tx
from clustergenie.platform.servers import Server
from tests import databases

pytestmark = pytest.mark.sqlite  # it brings its own servers

DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)


def entry(age: dt.timedelta) -> dict[str, Any]:
    told = ("actor", "actor_name", "actor_kind", "address", "action", "target", "request_id", "trace_id")
    return {**{name: f"its {name}"[:16] for name in told}, "at": NOW - age}


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One that holds what was done just now, ten days ago and a year ago."""
    made = databases.bare(request.param)
    migrate.ensure_server(made)
    with made.engine.begin() as connection:
        connection.execute(insert(audit_log), [entry(age) for age in (DAY / 24, 10 * DAY, 365 * DAY)])
    yield made
    made.engine.dispose()


def refused(server: Server, statement: Executable) -> None:
    with pytest.raises(DBAPIError, match="audit trail"), server.engine.begin() as connection:
        connection.execute(statement)


def left(server: Server) -> int:
    with server.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(audit_log)).scalar_one()


def test_the_server_refuses_to_change_an_entry_or_to_delete_one_before_its_time(server: Server) -> None:
    refused(server, update(audit_log).values(actor="somebody else"))
    refused(server, delete(audit_log))
    refused(server, insert(audit_floor).values(id=1, keep_from=NOW))
    with server.engine.begin() as connection:
        connection.execute(insert(audit_floor).values(id=1, keep_from=NOW - 10 * DAY))
    refused(server, update(audit_floor).values(keep_from=NOW))
    refused(server, delete(audit_log).where(audit_log.c.at >= NOW - 10 * DAY))
    assert left(server) == 3


def test_retention_may_forget_what_is_old(server: Server) -> None:
    with server.engine.begin() as connection:
        assert trail.prune(Tx(connection, NOW), NOW - 30 * DAY) == 1
    assert left(server) == 2
    with server.engine.begin() as connection:
        assert trail.prune(Tx(connection, NOW), NOW - 9 * DAY) == 1
    assert left(server) == 1
