"""Bring the database's schema to where the code is, or back; refuse a database from the future."""

import importlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy.event import listen

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.lock import take_lock
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


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Go up to `revision`. Raises CannotStart, also while a server uses the database."""
    _locked(settings, "upgrade", revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Go down to `revision` (`base` empties the database). Raises CannotStart."""
    _locked(settings, "downgrade", revision)


def status(settings: Settings) -> Revision:
    """Where the database is. Raises CannotStart if it cannot be read."""
    path = settings.database_path()
    current = _current(path) if path.exists() else None
    return Revision(current=current, head=HEAD, up_to_date=current == HEAD)


def _locked(settings: Settings, command: str, revision: str) -> None:
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
    current = _current(path)
    if current is not None and current not in REVISIONS:
        raise CannotStart(
            f"The database {path} was changed by a newer version of ClusterGenie (revision {current}; this version "
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
    # Loaded by name: a start with nothing to migrate must not pay for Alembic.
    commands: Any = importlib.import_module("alembic.command")
    config: Any = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = engine_for(path)
    # SQLite's DDL is transactional only if BEGIN is said outright; the driver would commit behind our back.
    listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            getattr(commands, command)(config, revision)
    except (sqlite3.Error, ValueError, commands.util.CommandError) as error:
        raise CannotStart(f"The schema of {path} could not be moved to {revision!r}: {error}.") from error
    finally:
        engine.dispose()
