"""Talk to a ClusterGenie server from Python: typed, without dependencies, safe to retry.

from clustergenie.client import Client

with Client("http://127.0.0.1:8080") as client:
    cluster = client.clusters.create(name="web", region="nyc3")["cluster"]
    job = client.clusters.provision(cluster["id"], count=3)["job"]
    client.wait_for_job(job["id"], timeout=60)
"""

from clustergenie.client.api import Client
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
from clustergenie.client.models import Cluster, Droplet, Event, Job, Schedule
from clustergenie.client.stream import Message
from clustergenie.client.wait import Update

__all__ = [
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
    "Schedule",
    "ServerError",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "Update",
    "WaitTimedOut",
]
