"""`clustergenie secrets …`: the key under which secrets are stored."""

from pathlib import Path

from clustergenie.cli import output
from clustergenie.cli.server import borrow, settings_for, starting


def rotate(*, data_dir: Path | None = None) -> None:
    """Seal every stored secret under a new key, and forget the one before; while the server is stopped.

    With CLUSTERGENIE_SECRET_KEY, first put a new key behind the old one and a comma: that one seals from then on, and
    the old one may be taken away afterwards.

    Args:
        data_dir: The server's data directory (CLUSTERGENIE_DATA_DIR).
    """
    settings = settings_for(data_dir=str(data_dir) if data_dir else None)
    with starting():
        count = borrow("rotate_secrets")(settings)
    output.note(f"Secrets are sealed under a new key: {count}.")
