"""Bring the database's schema to where the code is, or back; refuse a database from the future."""

import importlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy import Connection
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.lock import take_lock
from clustergenie.platform.servers import Server, schema
from clustergenie.platform.sqlite import engine_for

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# A revision is its file's number, so that a start can tell it without loading Alembic.
REVISIONS = tuple(sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")))
HEAD = REVISIONS[-1]


class Revision(TypedDict):
    """Where the database is and where the code wants it; `current` is null for an empty one."""

    current: str | None
    head: str
    up_to_date: bool


def ensure(path: Path) -> None:
    """Upgrade the database at `path` if it is not at the head; the caller holds its lock.

    Raises CannotStart for a database that a newer version has changed. Alembic is loaded only when there is work.
    """
    current = _checked(path)
    if current != HEAD:
        _alembic("upgrade", path, "head")


def ensure_server(server: Server) -> None:
    """Upgrade the database of a server that has been checked; replicas that start together do it once.

    Raises CannotStart.
    """
    with server.engine.connect() as connection:
        found = _known(schema.current(connection, server), server)
    if found != HEAD:
        with schema.changing(server) as connection:
            if _known(schema.current(connection, server), server) != HEAD:
                _run("upgrade", connection, "head", server)


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Go up to `revision`. Raises CannotStart, also while a server uses the database."""
    _move(settings, "upgrade", revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Go down to `revision` (`base` empties the database). Raises CannotStart."""
    _move(settings, "downgrade", revision)


def status(settings: Settings) -> Revision:
    """Where the database is. Raises CannotStart if it cannot be read."""
    if settings.has_server():
        server = _server(settings)
        with server.engine.connect() as connection:
            current = schema.current(connection, server)
    else:
        path = settings.database_path()
        current = _current(path) if path.exists() else None
    return Revision(current=current, head=HEAD, up_to_date=current == HEAD)


def _server(settings: Settings) -> Server:
    server = Server(settings.database_url)
    server.check()
    return server


def _move(settings: Settings, command: str, revision: str) -> None:
    if not settings.has_server():
        _move_file(settings, command, revision)
        return
    server = _server(settings)
    with schema.changing(server) as connection:
        _known(schema.current(connection, server), server)
        _run(command, connection, revision, server)


def _move_file(settings: Settings, command: str, revision: str) -> None:
    path = settings.database_path()
    directory(path.parent)
    lock = take_lock(path)
    try:
        _checked(path)
        _alembic(command, path, revision)
    finally:
        os.close(lock)


def directory(path: Path) -> None:
    """Make the data directory, private to us. Raises CannotStart."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The data directory {path} cannot be made ({error.strerror}); "
            "name a writable one with --data-dir or CLUSTERGENIE_DATA_DIR."
        ) from error


def _checked(path: Path) -> str | None:
    return _known(_current(path), path)


def _known(current: str | None, place: Path | Server) -> str | None:
    if current is not None and current not in REVISIONS:
        raise CannotStart(
            f"The database {place} was changed by a newer version of ClusterGenie (revision {current}; this version "
            f"knows {HEAD}); install that version again, or restore a backup from before the upgrade."
        )
    return current


def _current(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path, timeout=5)) as connection:
            table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
            if connection.execute(table).fetchone() is None:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise CannotStart(f"The database {path} cannot be read: {error}.") from error
    return str(row[0]) if row else None


def _alembic(command: str, path: Path, revision: str) -> None:
    engine = engine_for(path)
    # SQLite's DDL is transactional only if BEGIN is said outright; the driver would commit behind our back.
    listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            _run(command, connection, revision, path)
    finally:
        engine.dispose()


def _run(command: str, connection: Connection, revision: str, place: Path | Server) -> None:
    # Loaded by name: a start with nothing to migrate must not pay for Alembic.
    commands: Any = importlib.import_module("alembic.command")
    config: Any = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        getattr(commands, command)(config, revision)
    except (sqlite3.Error, ValueError, commands.util.CommandError) as error:
        raise CannotStart(f"The schema of {place} could not be moved to {revision!r}: {error}.") from error
    except DBAPIError as error:
        if isinstance(place, Path):
            raise
        said = " ".join(str(error.orig).split())
        raise CannotStart(f"The schema of {place} could not be moved to {revision!r}: {said}.") from error
