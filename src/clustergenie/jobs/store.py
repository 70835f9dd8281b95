"""The seam where databases differ: taking jobs, and taking them back from a worker that is gone.

Everything else about jobs is the same SQL on every database. `tests/conformance` runs one suite over each store.
"""

import datetime as dt
from typing import Any, NamedTuple, Protocol

from clustergenie.platform.db import Tx


class Claimed(NamedTuple):
    """A job as its worker gets it; `fence` is what every write must show."""

    id: str
    type: str
    parameters: dict[str, Any]
    cluster_id: str | None
    droplet_id: str | None
    trace_id: str
    attempt: int
    max_attempts: int
    fence: int
    version: int
    timeout_seconds: int
    created_at: dt.datetime
    run_at: dt.datetime
    priority: int
    created_by: str | None
    claimed_at: dt.datetime
    lost_count: int = 0


class Store(Protocol):
    """What a database must do in its own words."""

    def claim(self, tx: Tx, worker_id: str, limit: int) -> list[Claimed]:
        """Take up to `limit` ready jobs, most urgent first, never two of one serial key; emit their `job_started`."""

    def promote(self, tx: Tx, limit: int) -> int:
        """Make scheduled jobs that are due ready; how many."""
