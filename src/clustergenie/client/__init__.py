"""Talk to a ClusterGenie server from Python: typed, without dependencies, safe to retry.

    with Client("http://127.0.0.1:8080") as client:
        cluster = client.clusters.create(name="web", region="nyc3")["cluster"]
        job = client.clusters.provision(cluster["id"], count=3)["job"]
        client.wait_for_job(job["id"], timeout=60)

Everything a program needs is in this module; what is beside it may change.
"""

from clustergenie.client.api import DEFAULT_SERVER, Client, read_token
from clustergenie.client.errors import (
    ApiError,
    BadRequest,
    ClientError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    JobCancelled,
    JobFailed,
    NotAnApi,
    NotFound,
    RateLimited,
    ServerError,
    Unauthenticated,
    Unavailable,
    Unreachable,
    WaitTimedOut,
)
from clustergenie.client.models import ENDED, Cluster, Droplet, Event, Job, Schedule
from clustergenie.client.stream import RESYNC, Message
from clustergenie.client.transport import Reply
from clustergenie.client.wait import Update

__all__ = [
    "DEFAULT_SERVER",
    "ENDED",
    "RESYNC",
    "ApiError",
    "BadRequest",
    "Client",
    "ClientError",
    "Cluster",
    "Conflict",
    "Droplet",
    "Event",
    "FieldError",
    "Forbidden",
    "Invalid",
    "Job",
    "JobCancelled",
    "JobFailed",
    "Message",
    "NotAnApi",
    "NotFound",
    "RateLimited",
    "Reply",
    "Schedule",
    "ServerError",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "Update",
    "WaitTimedOut",
    "read_token",
]
