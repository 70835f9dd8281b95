"""The front door of the SDK: one Client for one server."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from clustergenie import __version__
from clustergenie.client.errors import ClientError
from clustergenie.client.models import Cluster, Job, Json
from clustergenie.client.resources import Clusters, Droplets, Events, Jobs, Keys, Metrics, Schedules, Sessions
from clustergenie.client.transport import Query, Reply, Transport
from clustergenie.client.wait import CLUSTER_TURNS, JOB_TURNS, Follower, Update, ended, settle

DEFAULT_SERVER = "http://127.0.0.1:8080"


class Client:
    """A ClusterGenie server. Safe to share between threads; close it, or use it in a `with` block.

    `server` may have a sub-path (`https://ops.example.com/genie`) and defaults to CLUSTERGENIE_SERVER; the
    API key (`token` is another word for it) defaults to CLUSTERGENIE_KEY or CLUSTERGENIE_TOKEN, then to the content
    of the file CLUSTERGENIE_TOKEN_FILE.
    `retries` counts the further attempts of calls that cannot act twice.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        key: str | None = None,
        token: str | None = None,
        timeout: float = 30.0,
        retries: int = 3,
    ) -> None:
        self.token = key or token or _token_from_environment()
        self._transport = Transport(
            server or os.environ.get("CLUSTERGENIE_SERVER") or DEFAULT_SERVER,
            token=self.token,
            timeout=timeout,
            retries=retries,
            user_agent=f"clustergenie/{__version__}",
        )
        self.clusters = Clusters(self._transport)
        self.droplets = Droplets(self._transport)
        self.jobs = Jobs(self._transport)
        self.schedules = Schedules(self._transport)
        self.events = Events(self._transport)
        self.metrics = Metrics(self._transport)
        self.keys = Keys(self._transport)
        self.sessions = Sessions(self._transport)

    @property
    def server(self) -> str:
        """The address that calls go to, without `/api/v1`."""
        return self._transport.server

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
        root: bool = False,
    ) -> Reply:
        """Any call of the API; `path` is under `/api/v1`, or under the server's base with `root`."""
        return self._transport.request(method, path, query=query, body=body, headers=headers, root=root)

    def ready(self) -> Json:
        """The server's readiness with its dependencies; raises Unavailable when it is not ready."""
        return cast(Json, self.request("GET", "/readyz", root=True).json())

    def follow_job(self, job_id: str, timeout: float | None = 600.0) -> Iterator[Update[Job]]:
        """Updates of a job until it has ended; raises WaitTimedOut after `timeout` seconds."""
        query = {"job_id": job_id}

        def fetch() -> Job:
            return self.jobs.get(job_id)["job"]

        return iter(Follower(self._transport, fetch, ended, query, JOB_TURNS, timeout))

    def wait_for_job(self, job_id: str, timeout: float | None = 600.0) -> Job:
        """The job once it has completed; raises JobFailed, JobCancelled or WaitTimedOut."""
        job: Job | None = None
        for update in self.follow_job(job_id, timeout):
            job = update.subject
        if job is None:
            raise ClientError(f"Job {job_id} was never seen.")
        return settle(job)

    def follow_cluster(
        self, cluster_id: str, until: Callable[[Cluster], bool], timeout: float | None = 600.0
    ) -> Iterator[Update[Cluster]]:
        """Updates of a cluster until it is as wanted; raises WaitTimedOut after `timeout` seconds."""
        query = {"cluster_id": cluster_id}

        def fetch() -> Cluster:
            return self.clusters.get(cluster_id)["cluster"]

        return iter(Follower(self._transport, fetch, until, query, CLUSTER_TURNS, timeout))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _token_from_environment() -> str | None:
    if token := os.environ.get("CLUSTERGENIE_KEY") or os.environ.get("CLUSTERGENIE_TOKEN"):
        return token
    if name := os.environ.get("CLUSTERGENIE_TOKEN_FILE"):
        return read_token(Path(name))
    return None


def read_token(path: Path) -> str:
    """The API key in a file; raises ClientError with a sentence when there is none."""
    try:
        token = path.read_text().strip()
    except OSError as reason:
        raise ClientError(f"The token file {path} cannot be read: {reason.strerror}.") from reason
    if not token:
        raise ClientError(f"The token file {path} is empty.")
    return token
