"""What differs between database servers, in their own words: one `Words` for each kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

STATEMENT_SECONDS = 30
"""How long one statement may take; a replica that hangs must not hang the others."""
LOCK_SECONDS = 5
IDLE_SECONDS = 30
"""How long a transaction may be idle: a replica that is stopped lets go of its locks by then."""
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Words:
    """One kind of server."""

    name: str
    module: str
    extra: str
    driver: str
    port: int
    clock: str
    """The query for the moment, in UTC."""
    read_only: str
    """The query that says whether the server takes no writes."""
    contended: frozenset[str]
    """Errors after which the whole transaction may simply be run again."""
    gone: frozenset[str]
    """Errors that say the connection is lost, or of no use any more."""
    demoted: frozenset[str]
    """Errors of a server that takes no writes any more."""
    slow: frozenset[str]
    refused: dict[str, str]
    """What a failed connection means: a piece of the error, and what to do about it."""
    options: dict[str, str] = field(default_factory=dict)
    """What may follow the `?` of an address, and the driver's name for it."""
    connect: dict[str, object] = field(default_factory=dict)

    def session(self, version: "Version", *, reading: bool) -> Sequence[str]:
        """Statements that every connection begins with."""
        raise NotImplementedError


@dataclass(frozen=True)
class Version:
    """What a server says it is."""

    product: str
    number: tuple[int, ...]
    text: str

    def too_old(self) -> str | None:
        """The oldest version that would do, if this one does not."""
        oldest = {"MariaDB": (10, 6), "MySQL": (8, 0, 17), "PostgreSQL": (14,)}[self.product]
        return ".".join(map(str, oldest)) if self.number < oldest else None


class _MySql(Words):
    def session(self, version: Version, *, reading: bool) -> Sequence[str]:
        mariadb = version.product == "MariaDB"
        collation = _MARIADB_COLLATION if mariadb else _MYSQL_COLLATION
        limits = (
            f"max_statement_time={STATEMENT_SECONDS}, idle_transaction_timeout={IDLE_SECONDS}"
            if mariadb
            else f"max_execution_time={STATEMENT_SECONDS * 1000}"
        )
        found = [
            f"SET NAMES utf8mb4 COLLATE {collation}",
            "SET time_zone='+00:00', sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
            "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', "
            f"innodb_lock_wait_timeout={LOCK_SECONDS}, {limits}",
            # A transaction that writes sees what others have committed; one that reads sees one moment.
            f"SET SESSION TRANSACTION ISOLATION LEVEL {'REPEATABLE READ' if reading else 'READ COMMITTED'}",
        ]
        return [*found, "SET SESSION TRANSACTION READ ONLY"] if reading else found


class _Postgres(Words):
    def session(self, version: Version, *, reading: bool) -> Sequence[str]:
        isolation = "repeatable read" if reading else "read committed"
        return [
            f"SET statement_timeout={STATEMENT_SECONDS * 1000}; SET lock_timeout={LOCK_SECONDS * 1000}; "
            f"SET idle_in_transaction_session_timeout={IDLE_SECONDS * 1000}; SET timezone='UTC'; "
            f"SET default_transaction_isolation='{isolation}'; "
            f"SET default_transaction_read_only={'on' if reading else 'off'}"
        ]


# Byte by byte, trailing spaces too: ids and keys that differ must never be taken for each other.
_MARIADB_COLLATION, _MYSQL_COLLATION = "utf8mb4_nopad_bin", "utf8mb4_0900_bin"


def collation_of_dialect(dialect: Any) -> str:
    """The collation of our tables."""
    return _MARIADB_COLLATION if dialect.is_mariadb else _MYSQL_COLLATION


MYSQL = _MySql(
    name="MySQL or MariaDB",
    module="pymysql",
    extra="mysql",
    driver="mysql+pymysql",
    port=3306,
    clock="SELECT UTC_TIMESTAMP(6)",
    read_only="SELECT @@global.read_only",
    contended=frozenset({"1213", "1205", "1020"}),
    # Besides what SQLAlchemy knows: shutting down, connection killed, query interrupted by a shutdown.
    gone=frozenset({"1053", "1927", "1317", "1152", "2003", "2006", "2013"}),
    demoted=frozenset({"1290", "1836"}),
    slow=frozenset({"1969", "3024"}),
    refused={
        "1045": "the user name or the password is wrong",
        "1698": "the user may not log in this way",
        "1044": "the user has no rights to that database",
        "1049": "there is no database of that name; create it first (CREATE DATABASE …)",
        "1040": "the server has no connection to spare; raise its max_connections",
        "1129": "the server has blocked this host after too many errors",
        "1130": "the server does not let this host in",
        "2003": "nothing answers there; is the server running, and are host and port right?",
        "2002": "nothing answers there; is the server running, and is the socket's path right?",
        "2013": "the server ended the connection",
        "2026": "no TLS connection could be made",
    },
    options={name: name for name in ("ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname", "unix_socket")},
    connect={
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": 2 * STATEMENT_SECONDS,
        "write_timeout": 2 * STATEMENT_SECONDS,
        "charset": "utf8mb4",
    },
)

POSTGRESQL = _Postgres(
    name="PostgreSQL",
    module="psycopg",
    extra="postgres",
    driver="postgresql+psycopg",
    port=5432,
    clock="SELECT now()",
    read_only="SHOW transaction_read_only",
    contended=frozenset({"40001", "40P01", "55P03"}),
    gone=frozenset({"57P01", "57P02", "57P03", "25P03", "08006", "08003", "08000", "08001"}),
    demoted=frozenset({"25006"}),
    slow=frozenset({"57014"}),
    refused={
        "password authentication failed": "the user name or the password is wrong",
        "no password supplied": "the server wants a password",
        "does not exist": "there is no such database or user; create it first",
        "permission denied": "the user has no rights to that database",
        "no pg_hba.conf entry": "the server does not let this user in from this host (pg_hba.conf)",
        "too many": "the server has no connection to spare; raise its max_connections",
        "remaining connection slots": "the server has no connection to spare; raise its max_connections",
        "starting up": "the server is still starting; try again in a moment",
        "shutting down": "the server is shutting down",
        "SSL": "no TLS connection could be made",
        "Connection refused": "nothing answers there; is the server running, and are host and port right?",
        "timeout": "nothing answers there; are host and port right?",
        "resolve": "the host's name is not known",
    },
    options={name: name for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "host", "application_name")},
    connect={
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        "client_encoding": "utf8",
    },
)
