"""Understand the address of a database server, connect to it, and say in a sentence why that cannot be done."""

import importlib.util
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from clustergenie.platform.errors import CannotStart
from clustergenie.platform.failures import DatabaseAway
from clustergenie.platform.servers.words import MYSQL, POSTGRESQL, Version, Words

_SCHEMES: dict[str, Words] = {
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "postgresql": POSTGRESQL,
    "postgres": POSTGRESQL,
}
REST_SECONDS = 0.5
"""After a connection failed, how long nobody else tries: callers are told at once."""


def address(url: str) -> tuple[URL, Words]:
    """The address in parts. Raises CannotStart; what it says never holds the password."""
    scheme = url.partition("://")[0]
    words = _SCHEMES[scheme]
    try:
        parts = make_url(url)
        port = parts.port
    except (ArgumentError, ValueError) as error:
        raise CannotStart(
            f"CLUSTERGENIE_DATABASE_URL cannot be understood: it must be {scheme}://user:password@host:port/database, "
            "with what is special in the password written as %XX."
        ) from error
    if not parts.database:
        raise CannotStart(f"CLUSTERGENIE_DATABASE_URL names no database: {scheme}://user:password@host:port/database.")
    unknown = sorted(set(parts.query) - set(words.options))
    if unknown:
        known = ", ".join(sorted(words.options))
        raise CannotStart(f"CLUSTERGENIE_DATABASE_URL has the option {unknown[0]!r}, but {scheme} knows {known}.")
    if importlib.util.find_spec(words.module) is None:
        raise CannotStart(
            f"CLUSTERGENIE_DATABASE_URL names a {scheme} database, whose driver is not installed: "
            f"pip install 'clustergenie[{words.extra}]'"
        )
    return parts.set(drivername=words.driver, port=port or words.port, host=parts.host or "127.0.0.1"), words


class Server:
    """One database on one server: makes connections that are set up as we need them."""

    def __init__(self, url: str) -> None:
        self.url, self.words = address(url)
        self.engine = engine_of(self.url, self.words)
        self.dialect = self.engine.dialect.name
        self.version = Version(self.words.name, (), "")
        self._rest_until = 0.0
        self._failure = ""

    def __str__(self) -> str:
        return f"{self.url.get_backend_name()}://{self.url.host}:{self.url.port}/{self.url.database}"

    def check(self) -> None:
        """Connect once and look whom we have there. Raises CannotStart."""
        try:
            with self.engine.connect() as connection:
                self.version = _version(connection)
                self._look(connection)
        except DBAPIError as error:
            raise CannotStart(self.sentence(error)) from error

    def _look(self, connection: Connection) -> None:
        oldest = self.version.too_old()
        if oldest is not None:
            raise CannotStart(
                f"The database {self} is {self.version.product} {self.version.text}, which is too old; "
                f"it must be {oldest} or newer."
            )
        if self.dialect == "postgresql":
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            if encoding != "UTF8":
                raise CannotStart(f"The database {self} has the encoding {encoding}; make one with ENCODING 'UTF8'.")
        if connection.exec_driver_sql(self.words.read_only).scalar_one() in (1, "on"):
            raise CannotStart(f"The database {self} is read-only; name the primary server.")

    def connect(self, *, reading: bool) -> Connection:
        """A connection that is ready. Raises DatabaseAway; soon after a failure at once, without trying."""
        if time.monotonic() < self._rest_until:
            raise DatabaseAway(self._failure, retry_after=1)
        try:
            connection = self.engine.connect()
            for statement in self.words.session(self.version, reading=reading):
                connection.exec_driver_sql(statement)
            connection.commit()
        except DBAPIError as error:
            self._failure = self.sentence(error)
            self._rest_until = time.monotonic() + REST_SECONDS
            raise DatabaseAway(self._failure, retry_after=1) from error
        return connection

    def sentence(self, error: DBAPIError) -> str:
        """Why there is no connection, and what to do."""
        said = " ".join(str(error.orig).split())
        code = code_of(error)
        why = next((why for piece, why in self.words.refused.items() if piece in (code, "") or piece in said), said)
        return f"The database {self} cannot be used: {why}" + ("" if why.endswith((".", "?")) else ".")


def engine_of(url: URL, words: Words) -> Engine:
    """An engine that keeps no connections: each database thread keeps its own."""
    return create_engine(
        url, poolclass=NullPool, connect_args=dict(words.connect), use_insertmanyvalues=False, hide_parameters=True
    )


def code_of(error: DBAPIError) -> str:
    """The server's number or SQLSTATE of an error; empty where it has none."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])  # MySQL's own number says more than the SQLSTATE that comes with it
    return str(getattr(error.orig, "sqlstate", None) or "")


def _version(connection: Connection) -> Version:
    dialect: Any = connection.dialect
    text = str(connection.exec_driver_sql("SELECT version()").scalar_one())
    if dialect.name == "postgresql":
        return Version("PostgreSQL", tuple(dialect.server_version_info), text.split()[1])
    number = tuple(part for part in dialect.server_version_info if isinstance(part, int))
    return Version("MariaDB" if dialect.is_mariadb else "MySQL", number, text)
