"""Note in the audit trail who asked for jobs, as many at once as were asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from clustergenie import auth
from clustergenie.jobs.models import Enqueue
from clustergenie.platform.db import Tx


def note(tx: Tx, items: Sequence[Enqueue], rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Of these requests, those that came from outside and led to a new row; `rows` has it by the request's place."""
    entries = []
    for place, row in rows.items():
        actor = items[place].actor
        if actor is not None:
            parameters = row["parameters"]
            what = {"type": row["type"], "parameters": {name: getattr(parameters, name) for name in _names(parameters)}}
            entries.append(auth.Entry(actor, "job.create", row["id"], row["cluster_id"], None, what))
    if entries:
        auth.audit_many(tx, entries)


def _names(parameters: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = parameters.__struct_fields__
    return names
