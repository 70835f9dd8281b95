"""The envelope of everything that happened: what a transaction emits and what the bus carries."""

import datetime as dt
from typing import Any

import msgspec

from clustergenie.platform.ids import event_id


class Event(msgspec.Struct, kw_only=True):
    """One fact, keyed by its subject.

    `key` is the id of the subject (job, droplet, cluster, deployment) and `seq` the subject's version at that fact:
    a transaction takes both under the subject's row, so that `seq` counts 1, 2, 3 … per key without gaps.
    `id` is the position in the log, given when it is stored; `timestamp` is the transaction's moment.
    """

    type: str
    key: str
    seq: int
    message: str = ""
    job_id: str | None = None
    job_type: str | None = None
    cluster_id: str | None = None
    droplet_id: str | None = None
    progress: int | None = None
    trace_id: str | None = None
    payload: dict[str, Any] = {}
    timestamp: dt.datetime | None = None
    event_id: str = msgspec.field(default_factory=event_id)
    schema_version: int = 1
    id: int = 0
