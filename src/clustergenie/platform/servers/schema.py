"""Keep the schema on a database server: who may change it now, where it is, and what tables are made of there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from clustergenie.platform.errors import CannotStart
from clustergenie.platform.servers.address import Server
from clustergenie.platform.servers.words import collation_of_dialect

WAIT_SECONDS = 120
"""How long a replica that starts waits for another one that migrates."""
_LOCK = 0x636C7573746572  # "cluster", for PostgreSQL, whose advisory locks are numbers; it is per database there


@contextmanager
def changing(server: Server) -> Iterator[Connection]:
    """A connection that alone may change the schema: replicas that start together migrate once. Raises CannotStart."""
    try:
        with server.engine.connect() as connection:
            _lock(connection, server)
            yield connection
    except DBAPIError as error:
        raise CannotStart(
            f"The schema of {server} could not be changed: {' '.join(str(error.orig).split())}."
        ) from error


def _lock(connection: Connection, server: Server) -> None:
    """Held until the connection ends."""
    if server.dialect == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout='{WAIT_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.exec_driver_sql("SET lock_timeout=0")
        got = True
    else:
        name = f"clustergenie.schema.{server.url.database}"[:64]
        got = connection.exec_driver_sql(f"SELECT GET_LOCK(%s, {WAIT_SECONDS})", (name,)).scalar_one() == 1
    connection.commit()
    if not got:
        raise CannotStart(
            f"Another process has been changing the schema of {server} for {WAIT_SECONDS} s; wait until it is done."
        )


def current(connection: Connection, server: Server) -> str | None:
    """The revision of the schema; None for an empty database. Raises CannotStart for one that is somebody else's."""
    tables = inspect(connection).get_table_names()
    found: str | None = None
    if "alembic_version" in tables:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    connection.rollback()
    if tables and "alembic_version" not in tables:
        raise CannotStart(
            f"The database {server} holds tables that are not of ClusterGenie ({', '.join(sorted(tables)[:3])} …); "
            "name an empty one."
        )
    return found


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **words: Any) -> str:
    """Tables compare byte by byte. MySQL commits each DDL statement: a migration that was cut short goes on."""
    element.if_not_exists = True
    text: str = compiler.visit_create_table(element, **words)
    collation = collation_of_dialect(compiler.dialect)
    return f"{text.rstrip()} ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation}"


@compiles(CreateIndex, "mysql", "mariadb")
def _create_index(element: CreateIndex, compiler: Any, **words: Any) -> str:
    text: str = compiler.visit_create_index(element, **words)
    if not compiler.dialect.is_mariadb:  # MySQL has no such words
        return text
    return text.replace("INDEX ", "INDEX IF NOT EXISTS ", 1)


@compiles(DropTable, "mysql", "mariadb")
def _drop_table(element: DropTable, compiler: Any, **words: Any) -> str:
    element.if_exists = True
    text: str = compiler.visit_drop_table(element, **words)
    return text
