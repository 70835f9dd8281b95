"""The command behind `clustergenie doctor`."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from clustergenie.cli import output
from clustergenie.cli.doctor import local, remote
from clustergenie.cli.doctor.check import Check
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.tables import shape

CHECK = shape("check", "status", "name", "why", "fix", ident="name")


def doctor(*, data_dir: Path | None = None, options: Options = DEFAULTS) -> int:
    """Check everything that can be wrong, and say how to fix it. Exits 1 when something does not work.

    Args:
        data_dir: The server's data directory (CLUSTERGENIE_DATA_DIR).
    """
    found = list(_checks(data_dir, options))
    if options.format == "table" and not options.columns:
        output.data("\n".join(line for check in found for line in _lines(check)))
    else:
        options.rows(CHECK, [check.row() for check in found])
    bad = [check for check in found if check.status == "fail"]
    if not options.raw:
        output.note(f"{len(bad)} of {len(found)} checks failed." if bad else "Nothing is wrong.")
    return 1 if bad else 0


def _lines(check: Check) -> list[str]:
    colour = {"ok": "green", "warn": "yellow", "fail": "red"}.get(check.status, "dim")
    line = f"{output.paint(f'{check.status:<8}', colour)} {check.name:<16} {check.why}"
    return [line, f"{'':<26}fix: {check.fix}"] if check.fix else [line]


def _checks(data_dir: Path | None, options: Options) -> Iterator[Check]:
    yield local.python()
    with options.client() as client:
        yield from remote.checks(client)
        here = (urlsplit(client.server).hostname or "").startswith(("127.", "localhost", "::1"))
    if here:
        yield local.server_code()
        yield from local.checks(data_dir)
    else:
        yield Check("this machine", "skipped", "the server runs elsewhere; run doctor there as well")
