"""`clustergenie migrate …`: the database's schema, while the server is stopped."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import confirm, output
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.server import borrow, settings_for, starting

DataDir = Annotated[Path | None, Parameter(help="The server's data directory (CLUSTERGENIE_DATA_DIR).")]
DatabaseUrl = Annotated[str | None, Parameter(help="Another database than SQLite in the data directory.")]


def _settings(data_dir: Path | None, database_url: str | None) -> Any:
    return settings_for(data_dir=str(data_dir) if data_dir else None, database_url=database_url)


def up(revision: str = "head", /, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the schema to the newest revision.

    Args:
        revision: Stop at this one.
    """
    settings = _settings(data_dir, database_url)
    with starting():
        borrow("upgrade")(settings, revision)
    output.note(f"The schema is at {revision}.")


def down(revision: str, /, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, yes: bool = False) -> None:
    """Take the schema back to a revision; what only the newer schema can hold is lost.

    Args:
        revision: The one to go back to; `base` empties the database, `-1` is one step.
        yes: Do not ask.
    """
    settings = _settings(data_dir, database_url)
    confirm.yes_or_no(f"Take the database of {settings.data_dir} back to {revision}?", yes=yes)
    with starting():
        borrow("downgrade")(settings, revision)
    output.note(f"The schema is at {revision}.")


def status(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, options: Options = DEFAULTS) -> None:
    """Show which revision the database has, and which the code wants."""
    settings = _settings(data_dir, database_url)
    with starting():
        found = borrow("revision")(settings)
    options.body(found if isinstance(found, dict | list | str) else vars(found))
