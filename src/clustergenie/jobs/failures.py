"""Look up what failed lately, for those who want to know why."""

import datetime as dt

from sqlalchemy import select

from clustergenie.jobs.models import Job, shown
from clustergenie.jobs.tables import jobs
from clustergenie.platform.db import Tx


def failed_of_cluster(tx: Tx, cluster_id: str, since: dt.datetime, look_back: int = 1000) -> list[Job]:
    """Which of the last `look_back` jobs of a cluster have failed since then, newest first."""
    latest = select(jobs).where(jobs.c.cluster_id == cluster_id).order_by(jobs.c.created_at.desc()).limit(look_back)
    seen = latest.subquery()
    failed = select(seen).where(seen.c.state.in_(("failed", "dead")), seen.c.completed_at > since)
    return [shown(row) for row in tx.execute(failed.order_by(seen.c.created_at.desc()))]
