"""The command behind `clustergenie loadgen`."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from clustergenie.cli import output, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.loadgen.plan import parse_mix, parse_rate, shots
from clustergenie.cli.loadgen.push import push
from clustergenie.cli.loadgen.tally import Tally
from clustergenie.cli.loadgen.wire import Target
from clustergenie.cli.options import DEFAULTS, ClusterRef, Options
from clustergenie.cli.options import seconds as as_seconds
from clustergenie.client import ENDED, Client, ClientError

STATUSES = ("completed", "failed", "cancelled", "pending", "running")
MIX = "diagnosis=1,diagnose=1,noop=7,monitor=1"


def loadgen(
    *,
    rate: str = "50/s",
    seconds: float = 30.0,
    mix: str = MIX,
    cluster: ClusterRef | None = None,
    clusters: int = 1,
    connections: int = 16,
    follow: bool = False,
    follow_timeout: str = "2m",
    keep: bool = False,
    options: Options = DEFAULTS,
) -> int:
    """Push job and diagnosis traffic at a chosen rate, and say what came of it. Exits 1 if there were errors.

    Args:
        rate: Requests per second, as 50 or 50/s, or per minute, as 3000/m.
        seconds: For how long.
        mix: What, as KIND=SHARE,…; a kind is a job's type, or `diagnosis` for an immediate one.
        cluster: Aim at this cluster; without it, clusters are made for the run and deleted after it.
        clusters: How many clusters to make.
        connections: How many requests may be under way at a time.
        follow: Wait for the jobs, and say how many completed.
        follow_timeout: How long to wait for them.
        keep: Leave the clusters that were made.
    """
    if connections < 1 or clusters < 1 or seconds <= 0:
        raise Usage("--connections, --clusters and --seconds must be above zero.")
    speed, shares = parse_rate(rate), parse_mix(mix)
    trace_id, tally = os.urandom(16).hex(), Tally()
    with options.client() as client, _targets(client, cluster, clusters, keep=keep) as ids:
        target = Target.of(client.server, client.token, trace_id)
        output.note(f"Sending {speed:g}/s for {seconds:g} s to {client.server} (trace {trace_id}).")
        elapsed = asyncio.run(push(shots(speed, seconds, shares, ids), target, connections, tally))
        report = tally.report(elapsed) | {"trace_id": trace_id}
        if follow:
            report["jobs"] = _follow(client, trace_id, follow_timeout)
    if options.raw:
        options.body(report)
    else:
        output.data(describe(report))
    return 1 if report["errors"] else 0


@contextmanager
def _targets(client: Client, cluster: str | None, count: int, *, keep: bool) -> Iterator[list[str]]:
    if cluster:
        yield [resolve.cluster(client, cluster)["id"]]
        return
    stamp = f"{int(time.time()):x}"
    made = [client.clusters.create(name=f"loadgen-{stamp}-{n}")["cluster"]["id"] for n in range(1, count + 1)]
    try:
        yield made
    finally:
        for ident in [] if keep else made:
            try:
                client.clusters.delete(ident, on_conflict="queue")
            except ClientError as reason:
                output.note(f"{ident} was not deleted: {reason}")


def _follow(client: Client, trace_id: str, patience: str) -> dict[str, int]:
    """How many jobs of the trace are in each status, once none is under way or the patience is over."""
    deadline = time.monotonic() + as_seconds(patience)
    while True:
        counts = {status: _count(client, trace_id, status) for status in STATUSES}
        if not any(counts[s] for s in STATUSES if s not in ENDED) or time.monotonic() > deadline:
            return counts
        output.note("jobs: " + ", ".join(f"{count} {status}" for status, count in counts.items() if count))
        time.sleep(0.5)


def _count(client: Client, trace_id: str, status: str) -> int:
    query = {"trace_id": trace_id, "status": status, "page_size": 1}
    return int(client.request("GET", "/jobs", query=query).json().get("total") or 0)


def describe(report: Mapping[str, Any]) -> str:
    """The report as text."""
    latency = report["latency_ms"]
    lines = [
        f"sent       {report['sent']} in {report['seconds']} s ({report['rate_per_second']}/s)",
        f"accepted   {report['accepted']}",
        f"limited    {report['limited']} (429)",
        f"errors     {report['errors']}",
        *(f"           {count} times: {reason}" for reason, count in report["error_kinds"].items()),
        "latency    " + ", ".join(f"{mark} {value} ms" for mark, value in latency.items()),
        "kinds      " + ", ".join(f"{kind} {count}" for kind, count in report["kinds"].items()),
    ]
    if jobs := report.get("jobs"):
        lines.append("jobs       " + ", ".join(f"{count} {status}" for status, count in jobs.items()))
    return "\n".join(lines)
