"""Wait for work to end: the one waiter that everything shares. It listens, and it looks for itself as well."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from clustergenie.client.errors import ApiError, JobCancelled, JobFailed, NotAnApi, Unreachable, WaitTimedOut
from clustergenie.client.models import ENDED, Job, Json
from clustergenie.client.stream import RESYNC, Stream
from clustergenie.client.transport import Query, Transport

T = TypeVar("T", bound=Mapping[str, Any])
LOOK_SECONDS = 2.0  # how long a silent stream is trusted before the row is read again
PATIENCE_SECONDS = 60.0  # how long the server may be away (a restart, an upgrade) before we give up
JOB_TURNS = (RESYNC, "job_completed", "job_failed", "job_cancelled")  # news after which the row is read
CLUSTER_TURNS = (*JOB_TURNS, "cluster_updated", "cluster_deleted", "droplet_active", "droplet_deleted", "droplet_lost")
POLLS = (0.1, 0.2, 0.4, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Update(Generic[T]):
    """News of what is waited for: the thing as it is now, and the event that told us (None if we looked)."""

    subject: T
    event: Json | None = None


class Follower(Generic[T]):
    """Follow one thing until it is done. The row is the truth; the stream only says when to look."""

    def __init__(
        self,
        transport: Transport,
        fetch: Callable[[], T],
        done: Callable[[T], bool],
        query: Query,
        turns: tuple[str, ...],
        timeout: float | None,
    ) -> None:
        self._transport, self._fetch, self._done, self._query = transport, fetch, done, query
        self._turns = turns
        self._started = time.monotonic()
        self._timeout = timeout
        self._last_event_id: str | None = None
        self._streams = True  # until the server shows that it has none

    def __iter__(self) -> Iterator[Update[T]]:
        rounds = 0
        while True:
            stream = self._open()
            subject = self._look()
            yield Update(subject)
            if self._done(subject):
                if stream:
                    stream.close()
                return
            if self._left() <= 0:
                raise WaitTimedOut(subject, self._timeout or 0)
            if stream is None:
                time.sleep(min(POLLS[min(rounds, len(POLLS) - 1)], self._left()))
            else:
                yield from self._listen(stream, subject)
            rounds += 1

    def _listen(self, stream: Stream, subject: T) -> Iterator[Update[T]]:
        with stream:
            for message in stream:
                if isinstance(message.data, dict) and message.type != RESYNC:
                    yield Update(subject, message.data)
                if message.type in self._turns or self._left() <= 0:
                    break
        self._last_event_id = stream.last_event_id

    def _open(self) -> Stream | None:
        if not self._streams:
            return None
        try:
            return Stream(self._transport, self._query, self._last_event_id, max(0.05, min(LOOK_SECONDS, self._left())))
        except Unreachable:
            return None
        except (ApiError, NotAnApi):
            self._streams = False
            return None

    def _look(self) -> T:
        """Read the row, sitting out a server that is away for a while."""
        gone_since = time.monotonic()
        while True:
            try:
                return self._fetch()
            except Unreachable:
                if time.monotonic() - gone_since > PATIENCE_SECONDS or self._left() <= 0:
                    raise
                time.sleep(0.25)

    def _left(self) -> float:
        if self._timeout is None:
            return LOOK_SECONDS
        return self._started + self._timeout - time.monotonic()


def settle(job: Job) -> Job:
    """The job if it completed; a job that ended in any other way is an error."""
    if job["status"] == "cancelled":
        raise JobCancelled(job)
    if job["status"] == "failed":
        raise JobFailed(job)
    return job


def ended(job: Job) -> bool:
    """Whether nothing more will happen to this job."""
    return job["status"] in ENDED
