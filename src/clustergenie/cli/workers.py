"""`clustergenie workers`: which processes serve this installation, and how busy each is."""

from collections.abc import Mapping
from typing import Any

from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.tables import Column, Shape, age, column


def _busy(worker: Mapping[str, Any]) -> str:
    return f"{worker.get('busy') or 0}/{worker.get('slots') or 0}"


WORKER = Shape(
    "worker",
    (
        *(column(name) for name in ("id", "role", "state", "host", "pid", "version")),
        Column("busy", _busy),
        column("waiting"),
        age("seen", "last_seen_at"),
        age("age", "started_at"),
        column("url", wide=True),
        column("lease_until", wide=True),
    ),
)


def list_workers(*, options: Options = DEFAULTS) -> None:
    """List the processes that answer requests and do the work."""
    with options.client() as client:
        body = client.request("GET", "/observability/workerpool").json()
    options.rows(WORKER, (body.get("queue") or {}).get("workers") or [])
