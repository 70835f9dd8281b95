"""Keep what was measured in RESULTS.md, one part for each bench."""

import datetime as dt
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def row(what: str, found: str, aim: str) -> str:
    """A line of the table; said at once, as benches are long."""
    text = f"| {what} | {found} | {aim} |"
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return text


def write(module: str, sentence: str, rows: Iterable[str], head: str = "| what | median | aim |") -> None:
    """Put a bench's part in the place of its last one, or at the end."""
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    when = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {os.cpu_count()} cores, load average at the end {load}."
    part = "\n".join([f"# Results of `python -m {module}`", "", when, sentence, "", head, "|---|---|---|", *rows, ""])
    old = RESULTS.read_text() if RESULTS.exists() else ""
    found = re.search(rf"^# Results of `python -m {re.escape(module)}`$.*?(?=^# |\Z)", old, re.M | re.S)
    new = old[: found.start()] + part + "\n" + old[found.end() :] if found else f"{old.rstrip()}\n\n{part}"
    RESULTS.write_text(new.strip() + "\n")
