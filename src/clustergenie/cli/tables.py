"""Say what each thing looks like as a row: its columns, how they read, and their colours."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from clustergenie.cli.failures import Usage

Item = Mapping[str, Any]
COLOURS = {
    "green": {"active", "healthy", "completed", "ok", "running", "ready"},
    "yellow": {"pending", "provisioning", "scaling", "draining", "degraded", "starting", "warning", "warn"},
    "red": {"failed", "lost", "unhealthy", "critical", "dead", "error", "down"},
    "dim": {"deleted", "deleting", "cancelled", "empty", "skipped"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field, its heading, how to read it, and whether only `wide` shows it."""

    field: str
    read: Callable[[Item], str]
    wide: bool = False
    right: bool = False

    @property
    def heading(self) -> str:
        """The heading, as kubectl and doctl write them."""
        return self.field.upper()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a kind of thing is printed; `ident` is what `-o name` prints."""

    noun: str
    columns: tuple[Column, ...]
    ident: str = "id"

    def pick(self, *, wide: bool) -> tuple[Column, ...]:
        """The columns of the table; `name` wants `ident` first."""
        return tuple(c for c in self.columns if wide or not c.wide)

    def named(self, wish: str) -> tuple[Column, ...]:
        """The columns that were asked for; any field of the API's object will do."""
        known = {column.field: column for column in self.columns}
        names = [name.strip().lower() for name in wish.split(",") if name.strip()]
        if not names:
            raise Usage(f"--columns names no column; choose from {', '.join(known)}.")
        return tuple(known.get(name) or column(name) for name in names)


def text(value: object) -> str:
    """A value as a cell."""
    if value is None or value == "":
        return "-"
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def column(field: str, *, wide: bool = False, right: bool = False) -> Column:
    """A column that shows a field as it is."""
    return Column(field, lambda item: text(item.get(field)), wide, right)


def age_of(stamp: object) -> str:
    """How long ago, in one unit: 12s, 5m, 3h, 2d."""
    try:
        seconds = max(0.0, time.time() - datetime.fromisoformat(str(stamp)).timestamp())
    except ValueError:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def age(heading: str, field: str, *, wide: bool = False) -> Column:
    """A column that says how long ago something was."""
    return Column(heading, lambda item: age_of(item.get(field)) if item.get(field) else "-", wide, right=True)


def measured(name: str) -> Column:
    """A percentage out of a droplet's last metrics."""

    def read(item: Item) -> str:
        value = (item.get("metrics") or {}).get(name)
        return "-" if value is None else f"{value:.0f}%"

    return Column(name, read, right=True)


def _money(item: Item) -> str:
    micros = item.get("hourly_usd_micros")
    return "-" if micros is None else f"${micros / 1_000_000:.4f}"


def _size(item: Item) -> str:
    return f"{item.get('active', len(item.get('droplets') or []))}/{item.get('wanted_size', '-')}"


def _progress(item: Item) -> str:
    return f"{item.get('progress') or 0}%"


def _why(item: Item) -> str:
    return text(item.get("error") or item.get("message"))


COST = Column("usd/hour", _money, right=True)
CLUSTER = Shape(
    "cluster",
    (
        column("id"),
        column("name"),
        column("status"),
        Column("active", _size, right=True),
        column("region"),
        age("age", "created_at"),
        column("health"),
        column("provider", wide=True),
        column("size", wide=True),
        column("image", wide=True),
        column("revision", wide=True, right=True),
    ),
)
DROPLET = Shape(
    "droplet",
    (
        column("id"),
        column("name"),
        column("status"),
        column("ip_address"),
        measured("cpu"),
        measured("memory"),
        measured("disk"),
        age("seen", "last_seen_at"),
        age("age", "created_at"),
        column("cluster_id", wide=True),
        column("provider", wide=True),
        column("region", wide=True),
        column("size", wide=True),
        column("image", wide=True),
        column("port", wide=True, right=True),
        replace(COST, wide=True),
        column("status_reason", wide=True),
    ),
)
JOB = Shape(
    "job",
    (
        column("id"),
        column("type"),
        column("status"),
        Column("progress", _progress, right=True),
        age("age", "created_at"),
        Column("message", _why),
        column("cluster_id", wide=True),
        column("droplet_id", wide=True),
        column("attempt", wide=True, right=True),
        column("worker_id", wide=True),
        column("trace_id", wide=True),
        column("result", wide=True),
    ),
)
EVENT = Shape(
    "event",
    (
        column("timestamp"),
        column("type"),
        Column(
            "subject", lambda e: text(e.get("key") or e.get("job_id") or e.get("droplet_id") or e.get("cluster_id"))
        ),
        column("progress", right=True),
        column("message"),
        column("id", wide=True, right=True),
        column("seq", wide=True, right=True),
        column("job_id", wide=True),
        column("cluster_id", wide=True),
        column("droplet_id", wide=True),
        column("trace_id", wide=True),
    ),
)


def shape(noun: str, *fields: str, ident: str = "id") -> Shape:
    """A shape whose columns show fields as they are."""
    return Shape(noun, tuple(column(field) for field in fields), ident)


def colour_of(word: str) -> str | None:
    """The colour of a status, as a help beside the word, never instead of it."""
    return next((colour for colour, words in COLOURS.items() if word.lower() in words), None)
