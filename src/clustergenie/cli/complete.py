"""Complete names at TAB: from the server within 120 ms, kept for 30 s, silent when there is none."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

KEPT_SECONDS = 30.0
PATIENCE_SECONDS = 0.12
MOST = 50
KINDS = {
    "cluster": "clusters",
    "clusters": "clusters",
    "droplet": "droplets",
    "droplets": "droplets",
    "job": "jobs",
    "jobs": "jobs",
    "schedule": "schedules",
    "schedules": "schedules",
    "health": "clusters",
    "diagnose": "clusters",
    "monitor": "clusters",
    "--cluster": "clusters",
    "--droplet": "droplets",
    "--job": "jobs",
}


def offer(kind: str) -> Callable[[object], list[str]]:
    """Mark a parameter as completed with names of a kind; the shell asks `main` below, not the parser."""
    return lambda _context: [name for name, _ in names(kind)]


def kind_of(words: Sequence[str]) -> str | None:
    """Which kind of name belongs where the cursor is: the option's before it, else the first word's."""
    before = words[-2] if len(words) > 1 else ""
    return KINDS.get(before if before.startswith("--") else words[0] if words else "")


def names(kind: str) -> list[tuple[str, str]]:
    """(name, description) of what the server has; kept in a file, since TAB is pressed again and again."""
    server = os.environ.get("CLUSTERGENIE_SERVER", "")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clustergenie" / "names.json"
    kept = _read(cache)
    entry = kept.get(f"{server} {kind}")
    if entry and time.time() - entry["at"] < KEPT_SECONDS:
        return [(name, text) for name, text in entry["names"]]
    fresh = _ask(kind)
    if fresh is not None:
        _write(cache, {**kept, f"{server} {kind}": {"at": time.time(), "names": fresh}})
    return fresh or []


def _ask(kind: str) -> list[tuple[str, str]] | None:
    client_module = import_module("clustergenie.client")
    preferences = import_module("clustergenie.cli.preferences")
    try:
        with client_module.Client(preferences.get("server"), timeout=PATIENCE_SECONDS, retries=0) as client:
            items = client.request("GET", f"/{kind}", query={"page_size": MOST}).json().get(kind) or []
    except client_module.ClientError:
        return None
    ident = "id" if kind == "jobs" else "name"
    return [(str(item[ident]), str(item.get("status", ""))) for item in items if item.get("status") != "deleted"]


def _read(cache: Path) -> dict[str, Any]:
    try:
        kept = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(cache: Path, kept: dict[str, Any]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = cache.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(kept))
        fresh.replace(cache)
    except OSError:
        return  # a home that cannot be written only costs the next TAB a question


def main(words: Sequence[str]) -> int:
    """Answer a shell: tab-separated records after a line that opens them (the contract of the generated scripts)."""
    kind = kind_of(words)
    sys.stdout.write("\x1fbegin\n")
    for name, text in names(kind) if kind else []:
        sys.stdout.write(f"{name}\t{text}\n")
    return 0
