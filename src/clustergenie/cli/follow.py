"""Wait for what a command set off, and show it; Ctrl-C leaves it running and says how to come back."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import output, progress
from clustergenie.cli.failures import Detached
from clustergenie.cli.options import seconds
from clustergenie.client import ApiError, Client, Cluster, Job, JobCancelled, JobFailed


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Whether to wait for the work, and for how long."""

    wait: Annotated[bool | None, Parameter(help="Wait for the work to end (default: on a terminal).")] = None
    watch: Annotated[bool, Parameter(negative="", help="Wait, and show every step.")] = False
    timeout: Annotated[str, Parameter(help="Stop waiting after this; the work goes on.")] = "10m"

    @property
    def wanted(self) -> bool:
        """Whether to wait at all."""
        return self.watch or (sys.stderr.isatty() if self.wait is None else self.wait)


DEFAULTS = Waiting()


class _Steps:
    """Shows each event of a job once, whether the stream or a look at the history brought it."""

    def __init__(self, client: Client, job_id: str, shown: progress.Progress) -> None:
        self._client, self._job_id, self._shown = client, job_id, shown
        self._seen: set[object] = set()
        self._percent = 0

    def event(self, event: Mapping[str, Any]) -> None:
        seq = event.get("seq", event.get("id"))
        if event.get("job_id") != self._job_id or seq in self._seen:
            return
        self._seen.add(seq)
        self._percent = max(self._percent, event.get("progress") or 0)
        words = str(event.get("type", "")).removeprefix("job_").replace("_", " ")
        message = event.get("message") or ""
        self._shown.step(self._percent, f"{words}: {message}" if message not in {"", words} else words)

    def catch_up(self) -> None:
        """Show what happened before the stream was open, or while it was cut."""
        if isinstance(self._shown, progress.Silent):
            return
        try:
            history = list(self._client.jobs.events(self._job_id))
        except ApiError:
            return  # the steps are a courtesy; the row decides
        for event in sorted(history, key=lambda e: e.get("seq") or 0):
            self.event(event)


def job(client: Client, job_id: str, waiting: Waiting, *, title: str | None = None) -> Job:
    """The job as it ended; it is not judged here (`settle` does)."""
    shown = progress.choose(title or job_id, watch=waiting.watch)
    steps = _Steps(client, job_id, shown)
    last: Job | None = None
    try:
        for update in client.follow_job(job_id, seconds(waiting.timeout)):
            last = update.subject
            if update.event is None:
                steps.catch_up()
            else:
                steps.event(update.event)
    except KeyboardInterrupt:
        raise Detached(f"Detached; {job_id} goes on. Resume with: clustergenie job watch {job_id}") from None
    finally:
        shown.close()
    assert last is not None
    return last


def settle(ended: Job) -> Job:
    """The job if it completed; raises JobFailed or JobCancelled."""
    if ended["status"] == "completed":
        return ended
    raise (JobCancelled if ended["status"] == "cancelled" else JobFailed)(ended)


def finish(client: Client, reply: Mapping[str, Any], waiting: Waiting, what: str) -> bool:
    """Wait for the job in a reply if that is wanted; True when it was waited for. Raises JobFailed."""
    queued = reply.get("job")
    if not queued:
        return False
    if not waiting.wanted:
        output.note(f"{what}: {queued['id']} is queued; follow it with: clustergenie job watch {queued['id']}")
        return False
    settle(job(client, queued["id"], waiting, title=what))
    return True


def cluster(client: Client, cluster_id: str, until: Callable[[Cluster], bool], waiting: Waiting) -> Cluster:
    """The cluster once it is as wanted."""
    shown = progress.choose(cluster_id, watch=waiting.watch)
    last: Cluster | None = None
    said = ""
    try:
        for update in client.follow_cluster(cluster_id, until, seconds(waiting.timeout)):
            last = update.subject
            wanted, active = last.get("wanted_size") or 0, last.get("active", len(last["droplets"]))
            text = f"{last['name']}: {last['status']}, {active} of {wanted} active"
            if text != said:
                shown.step(100 * min(active, wanted) // wanted if wanted else 100, text)
                said = text
    except KeyboardInterrupt:
        raise Detached(f"Detached. Resume with: clustergenie cluster watch {cluster_id}") from None
    finally:
        shown.close()
    assert last is not None
    return last
