"""On a server the schema moves up, down and up again with rows in it, once however many start, or says why not."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Float, func, insert, inspect, select

from clustergenie.droplets.tables import droplets
from clustergenie.jobs.enqueue import _row
from clustergenie.jobs.tables import jobs as job_rows
from clustergenie.platform import migrate
from clustergenie.platform.config import Settings, load
from clustergenie.platform.db import metadata
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.servers import Server
from clustergenie.platform.servers.words import Version
from tests import databases
from tests.jobs.queues import START, item
from tests.servers import provide

KINDS = ["mariadb", "postgresql"]
HIDDEN = {"accepted", "unique_live", "serial_running"}
"""Columns of `jobs` that only the database uses."""


def address(server: Server, **other: object) -> str:
    """Its address, perhaps with another user, password, port or database."""
    changed = server.url.set(drivername=server.url.get_backend_name(), **other)  # type: ignore[arg-type]
    return changed.render_as_string(hide_password=False)


def settings(url: str) -> Settings:
    return load({"database_url": url}, {})


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A database with nothing in it."""
    server = databases.bare(request.param)
    yield server
    server.engine.dispose()


def shape(server: Server) -> dict[str, object]:
    """Every table with its columns and indexes."""
    with server.engine.connect() as connection:
        look = inspect(connection)
        return {
            name: (
                sorted((column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(name)),
                sorted(str((i["name"], i["column_names"], i["unique"])) for i in look.get_indexes(name)),
            )
            for name in look.get_table_names()
        }


def put_rows_in(server: Server) -> None:
    """Some rows whose values are easily lost."""
    one = item()
    one.lanes = one.kind.lanes(one.parameters)
    row = _row(one, START.replace(microsecond=123_456)) | {"unique_key": "ünïque ", "message": "naïve 😀"}
    with server.engine.begin() as connection:
        connection.execute(insert(job_rows).values(row))


def rows(server: Server) -> list[object]:
    with server.engine.connect() as connection:
        return list(connection.execute(select(job_rows.c.unique_key, job_rows.c.message, job_rows.c.created_at)))


def test_up_with_rows_down_to_nothing_and_up_again(bare: Server) -> None:
    here = settings(address(bare))
    migrate.upgrade(here)
    full = shape(bare)
    put_rows_in(bare)
    assert rows(bare) == [("ünïque ", "naïve 😀", START.replace(microsecond=123_456))]
    migrate.downgrade(here, "base")
    assert set(shape(bare)) == {"alembic_version"}
    assert migrate.status(here)["current"] is None
    migrate.upgrade(here)
    assert shape(bare) == full
    assert migrate.status(here)["up_to_date"]


def test_each_step_down_keeps_the_rows_and_can_be_gone_up_again(bare: Server) -> None:
    here = settings(address(bare))
    migrate.upgrade(here)
    full = shape(bare)
    put_rows_in(bare)
    before = rows(bare)
    for revision in reversed(migrate.REVISIONS[1:-1]):
        migrate.downgrade(here, revision)
        assert rows(bare) == before
    migrate.upgrade(here)
    assert shape(bare) == full
    assert rows(bare) == before


def test_the_migrations_make_what_the_code_describes(bare: Server) -> None:
    migrate.upgrade(settings(address(bare)))
    with bare.engine.connect() as connection:
        options = {"compare_type": _differs, "include_object": _compared}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    assert found == []


def _differs(_context: object, _there: object, _column: object, _found: object, described: object) -> bool | None:
    return False if isinstance(described, Float) else None  # FLOAT(53) is DOUBLE by another name


def _compared(thing: object, name: str, kind: str, reflected: bool, _other: object) -> bool:
    """Leaves out what only the database knows, and indexes: on MySQL some of ours have other words."""
    return not (kind == "index" or kind == "unique_constraint" or (kind == "column" and name in HIDDEN))


def test_processes_that_start_together_migrate_once(bare: Server) -> None:
    program = (
        "import sys; from clustergenie.platform import migrate; from clustergenie.platform.servers import Server; "
        "server = Server(sys.argv[1]); server.check(); migrate.ensure_server(server)"
    )
    command = [sys.executable, "-c", program, address(bare)]
    started = [subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    assert migrate.status(settings(address(bare)))["up_to_date"]


def test_text_is_compared_byte_by_byte_whatever_the_servers_default_is() -> None:
    server = databases.bare("mariadb")
    migrate.upgrade(settings(address(server)))
    with server.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT collation_name FROM information_schema.columns "
            "WHERE table_schema = database() AND collation_name IS NOT NULL AND table_name <> 'alembic_version'"
        ).scalars()
        assert list(found) == ["utf8mb4_nopad_bin"]
    server.engine.dispose()


REFUSED: dict[str, tuple[Callable[[Server], str], str]] = {
    "database": (lambda server: address(server, database="no_such"), "no database|no such database"),
    "port": (lambda server: address(server, port=1), "nothing answers there"),
    "option": (lambda server: address(server) + "?nonsense=1", "'nonsense'"),
    "no database": (lambda server: address(server, database=""), "names no database"),
    "port in words": (lambda server: address(server).replace(str(server.url.port), "http"), "cannot be understood"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_an_address_is_said_in_a_sentence(kind: str, what: str) -> None:
    server = Server(f"{provide.server(kind)}/{'postgres' if kind == 'postgresql' else 'mysql'}")
    wrong, said = REFUSED[what]
    with pytest.raises(CannotStart, match=said) as refusal:
        Server(wrong(server)).check()
    assert "\n" not in str(refusal.value)


def test_a_wrong_password_is_refused_and_never_repeated() -> None:
    server = Server(f"{provide.server('mariadb')}/mysql")
    with pytest.raises(CannotStart, match="user name or the password is wrong") as refusal:
        Server(address(server, username="nobody", password="hush-hush")).check()
    assert "hush" not in str(refusal.value)


def test_a_database_of_somebody_else_is_left_alone(bare: Server) -> None:
    with bare.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE wages (id INTEGER)")
    with pytest.raises(CannotStart, match=r"not of ClusterGenie \(wages"):
        migrate.ensure_server(bare)
    assert set(shape(bare)) == {"wages"}


def test_a_database_from_the_future_is_left_alone(bare: Server) -> None:
    migrate.ensure_server(bare)
    with bare.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CannotStart, match="newer version"):
        migrate.ensure_server(bare)
    with bare.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(droplets)).scalar_one() == 0


@pytest.mark.parametrize(
    ("version", "oldest"),
    [
        (Version("MariaDB", (10, 5, 29), ""), "10.6"),
        (Version("MySQL", (8, 0, 16), ""), "8.0.17"),
        (Version("MySQL", (5, 7, 44), ""), "8.0.17"),
        (Version("PostgreSQL", (13, 22), ""), "14"),
        (Version("MariaDB", (10, 6, 0), ""), None),
        (Version("MySQL", (8, 4, 0), ""), None),
        (Version("PostgreSQL", (14, 0), ""), None),
    ],
)
def test_a_server_that_is_too_old_is_told_so(version: Version, oldest: str | None) -> None:
    assert version.too_old() == oldest


@pytest.mark.parametrize(
    ("scheme", "module", "extra"), [("mysql", "pymysql", "mysql"), ("postgresql", "psycopg", "postgres")]
)
def test_a_driver_that_is_missing_is_named_with_what_installs_it(
    scheme: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CannotStart, match=rf"pip install 'clustergenie\[{extra}\]'"):
        Server(f"{scheme}://u:p@127.0.0.1/d")
