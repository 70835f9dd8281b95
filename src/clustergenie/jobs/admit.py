"""Ask a kind of job whether it would have a request, from the one who makes it."""

from collections.abc import Mapping

from clustergenie import auth
from clustergenie.jobs.models import Enqueue
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem


def refusals(tx: Tx, items: Mapping[int, Enqueue]) -> dict[int, Problem]:
    """Why some of these are not accepted, by their places; each kind is asked once for all of its requests."""
    by_kind: dict[str, list[int]] = {}
    for place, item in items.items():
        by_kind.setdefault(item.kind.name, []).append(place)
    found: dict[int, Problem | None] = {}
    for places in by_kind.values():
        limited = [place for place in places if auth.is_limited(items[place].asker)]
        free = [place for place in places if place not in limited] if limited else places
        if free:
            kind = items[free[0]].kind
            found |= zip(free, kind.admit(tx, [items[place].parameters for place in free]), strict=True)
        found |= {place: _verdict(tx, items[place]) for place in limited}
    return {place: verdict for place, verdict in found.items() if verdict is not None}


def _verdict(tx: Tx, item: Enqueue) -> Problem | None:
    """Whether the kind would have it from one who may not do everything: what they may not see is unknown to it."""
    try:
        with auth.acting_as(item.asker):
            verdict = item.kind.admit(tx, [item.parameters])[0]
            if verdict is None:
                auth.demand(item.lanes.cluster_id)
    except Problem as problem:
        return problem
    return verdict
