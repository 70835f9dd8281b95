"""Forget measurements and answers that are old."""

import datetime as dt

from sqlalchemy import delete, select

from clustergenie import droplets
from clustergenie.monitoring.tables import metrics, oom_marks, probes
from clustergenie.platform.db import Tx


def prune(tx: Tx, before: dt.datetime, limit: int = 5_000) -> int:
    """Forget up to `limit` measurements from before that moment; how many. Call again until it is 0.

    With them go answers to probes nobody makes any more, and memory marks of droplets that are gone.
    """
    old = select(metrics.c.id).where(metrics.c.timestamp < before).order_by(metrics.c.timestamp).limit(limit)
    found = list(tx.execute(old).scalars())
    for start in range(0, len(found), 1_000):
        tx.execute(delete(metrics).where(metrics.c.id.in_(found[start : start + 1_000])))
    tx.execute(delete(probes).where(probes.c.checked_at < before))
    marked = select(oom_marks.c.droplet_id).where(oom_marks.c.updated_at < before).limit(limit)
    candidates = list(tx.execute(marked).scalars())
    living = droplets.homes(tx, candidates)
    gone = [droplet_id for droplet_id in candidates if droplet_id not in living]
    for start in range(0, len(gone), 1_000):
        tx.execute(delete(oom_marks).where(oom_marks.c.droplet_id.in_(gone[start : start + 1_000])))
    return len(found)
