"""The durable queue: accept work, run it with leases and fences, try again, give up with a reason."""

from clustergenie.jobs.control import cancel, cancel_row, retry
from clustergenie.jobs.enqueue import Accepted, enqueue, enqueue_many, get
from clustergenie.jobs.failures import failed_of_cluster
from clustergenie.jobs.kinds import declare, find, public, understand
from clustergenie.jobs.lease import Me, another, hearing_since, living
from clustergenie.jobs.models import (
    Ended,
    Enqueue,
    Fail,
    Handler,
    Job,
    JobConflict,
    JobNotFound,
    Kind,
    Lanes,
    LostLease,
    OnConflict,
    Retry,
)
from clustergenie.jobs.noop import NOOP
from clustergenie.jobs.noop import handler as noop_handler
from clustergenie.jobs.outside import ASKED_OUTSIDE
from clustergenie.jobs.pool import Pool
from clustergenie.jobs.rescue import age, sweep
from clustergenie.jobs.running import Running, forget_steps
from clustergenie.jobs.schedules import fire_due
from clustergenie.jobs.service import is_live, live_of_cluster, prune, queue_state
from clustergenie.jobs.signals import heard
from clustergenie.jobs.sqlite_store import SqliteStore
from clustergenie.jobs.store import Claimed, Store
from clustergenie.jobs.stores import store_for
from clustergenie.jobs.ticks import Tick, Ticker

__all__ = [
    "ASKED_OUTSIDE",
    "NOOP",
    "Accepted",
    "Claimed",
    "Ended",
    "Enqueue",
    "Fail",
    "Handler",
    "Job",
    "JobConflict",
    "JobNotFound",
    "Kind",
    "Lanes",
    "LostLease",
    "Me",
    "OnConflict",
    "Pool",
    "Retry",
    "Running",
    "SqliteStore",
    "Store",
    "Tick",
    "Ticker",
    "age",
    "another",
    "cancel",
    "cancel_row",
    "declare",
    "enqueue",
    "enqueue_many",
    "failed_of_cluster",
    "find",
    "fire_due",
    "forget_steps",
    "get",
    "heard",
    "hearing_since",
    "is_live",
    "live_of_cluster",
    "living",
    "noop_handler",
    "prune",
    "public",
    "queue_state",
    "retry",
    "store_for",
    "sweep",
    "understand",
]
