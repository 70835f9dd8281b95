"""Follow a job or a cluster live: `clustergenie job watch`, `clustergenie cluster watch`."""

from typing import Annotated

from cyclopts import Parameter

from clustergenie.cli import follow, output, resolve
from clustergenie.cli.failures import INTERRUPTED
from clustergenie.cli.follow import Waiting
from clustergenie.cli.options import DEFAULTS, ClusterRef, JobRef, Options
from clustergenie.cli.tables import CLUSTER, JOB
from clustergenie.client import Message

Timeout = Annotated[str, Parameter(help="Stop watching after this; the work goes on.")]


def watch_job(job: JobRef, /, *, timeout: Timeout = "10m", options: Options = DEFAULTS) -> None:
    """Follow a job until it ends; a job that failed exits 1."""
    with options.client() as client:
        client.jobs.get(job)  # an unknown job is an answer, not something to wait for
        ended = follow.job(client, job, Waiting(watch=True, timeout=timeout))
        options.one(JOB, client.jobs.get(job), "job")
        follow.settle(ended)


def watch_cluster(
    cluster: ClusterRef, /, *, until_settled: bool = False, timeout: Timeout = "10m", options: Options = DEFAULTS
) -> int:
    """Show what happens to a cluster, an event a line, until Ctrl-C.

    Args:
        until_settled: Stop once the cluster has its wanted size.
    """
    with options.client() as client:
        found = resolve.cluster(client, cluster)
        if until_settled:
            waiting = Waiting(watch=True, timeout=timeout)
            settled = follow.cluster(client, found["id"], lambda c: c["status"] in {"healthy", "empty"}, waiting)
            options.one(CLUSTER, {"cluster": settled}, "cluster")
            return 0
        output.note(f"{found['name']}: {found['status']}, {len(found['droplets'])} droplets; Ctrl-C stops watching.")
        try:
            for message in client.events.stream(cluster_id=found["id"]):
                output.data(event_line(message))
                output.flush()
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def event_line(message: Message) -> str:
    """One event as a line for a person."""
    if message.type == "resync" or not isinstance(message.data, dict):
        return "-- some events were missed; the list is complete in `clustergenie events list` --"
    event = message.data
    subject = event.get("key") or event.get("job_id") or event.get("droplet_id") or event.get("cluster_id") or "-"
    percent = "" if event.get("progress") is None else f" {event['progress']}%"
    return (
        f"{event.get('timestamp', '-')}  {event.get('type')}{percent}  {subject}  {event.get('message') or ''}".rstrip()
    )
