"""`clustergenie auth …`: let the first admin in, from the machine that has the data."""

from pathlib import Path

from clustergenie.cli import output
from clustergenie.cli.server import borrow, settings_for, starting


def setup_link(*, data_dir: Path | None = None, url: str | None = None) -> None:
    """Print a link that makes an admin's key, once and within the hour; for the first start, or when all keys are lost.

    Run it where the server runs: that one can reach its database is what proves that one may.

    Args:
        data_dir: The server's data directory (CLUSTERGENIE_DATA_DIR).
        url: Where browsers reach the server, if not at the address it listens on.
    """
    settings = settings_for(data_dir=str(data_dir) if data_dir else None)
    with starting():
        link = borrow("setup_link")(settings, url)
    output.note("Open this link, once and within the hour:")
    output.data(link)
