"""`clustergenie health`, `diagnose` and `monitor`: how a cluster is, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from clustergenie.cli import follow, output, resolve
from clustergenie.cli.follow import DEFAULTS as NO_WAIT
from clustergenie.cli.follow import Waiting
from clustergenie.cli.options import DEFAULTS, ClusterRef, Options
from clustergenie.cli.tables import JOB, Column, Shape, age, column, measured, text


def _reasons(item: Mapping[str, Any]) -> str:
    return "; ".join(map(str, item.get("reasons") or [])) or "-"


DROPLET_HEALTH = Shape(
    "droplet",
    (
        column("id"),
        column("name"),
        column("status"),
        column("healthy"),
        measured("cpu"),
        measured("memory"),
        measured("disk"),
        age("seen", "last_seen_at"),
        Column("reasons", _reasons),
    ),
)


def health(cluster: ClusterRef, /, *, detailed_exitcode: bool = False, options: Options = DEFAULTS) -> int:
    """Say how a cluster is, and why.

    Args:
        detailed_exitcode: Exit 1 when the cluster is not healthy.
    """
    with options.client() as client:
        report = client.clusters.health(resolve.cluster(client, cluster)["id"])
    if options.raw:
        options.body(report)
    else:
        output.note(f"{report.get('status')}: {report.get('summary') or ''}")
        options.rows(DROPLET_HEALTH, report.get("droplets") or [])
        for broken in report.get("recent") or []:
            output.note(_broken(broken))
    return 1 if detailed_exitcode and report.get("status") not in {"healthy", "empty"} else 0


def _broken(broken: Mapping[str, Any]) -> str:
    then = f"; {broken['replaced_by_name']} took its place" if broken.get("replaced_by_name") else ""
    return f"{broken['name']} was {broken['what']} at {broken['at']}: {broken['reason']}{then}"


def diagnose(cluster: ClusterRef, /, *, options: Options = DEFAULTS) -> None:
    """Find what is wrong with a cluster, with evidence and remedy."""
    with options.client() as client:
        report = client.clusters.diagnose(resolve.cluster(client, cluster)["id"])
    if options.format in {"table", "wide"}:
        output.data(describe(report))
    elif options.raw:
        options.body(report)
    else:
        options.rows(FINDING, report.get("findings") or [])


def _told(name: str) -> Column:
    """A part of the remedy as a column."""
    heading = "remedy" if name == "action" else name
    return Column(heading, lambda finding: text((finding.get("remedy") or {}).get(name)))


FINDING = Shape(
    "finding",
    (
        *(column(name) for name in ("severity", "rule", "droplet_id", "title", "cause")),
        _told("action"),
        _told("command"),
        column("evidence", wide=True),
    ),
    ident="rule",
)


def describe(report: Mapping[str, Any]) -> str:
    """A diagnosis as a page of text."""
    lines = [str(insight) for insight in report.get("insights") or []]
    for finding in report.get("findings") or []:
        lines += ["", *_finding(finding)]
    if not report.get("findings"):
        lines.append("No findings: nothing is wrong that the rules know of.")
    if report.get("recommendations"):
        lines += ["", "Recommended:", *(f"  - {advice}" for advice in report["recommendations"])]
    return "\n".join(lines)


def _finding(finding: Mapping[str, Any]) -> list[str]:
    severity = str(finding.get("severity", "?"))
    colour = {"critical": "red", "error": "red", "warning": "yellow"}.get(severity)
    lines = [output.paint(f"{severity.upper()}: {finding.get('title')}", colour)]
    if finding.get("droplet_id"):
        lines.append(f"  droplet   {finding['droplet_id']}")
    evidence = finding.get("evidence") or {}
    shown = ", ".join(f"{name} {text(value)}" for name, value in evidence.items())
    facts = (("evidence", shown), ("cause", finding.get("cause")), *_remedy(finding.get("remedy")))
    return lines + [f"  {name:<9} {value}" for name, value in facts if value]


def _remedy(remedy: object) -> tuple[tuple[str, object], ...]:
    """What can be done, and the command that does it."""
    if not isinstance(remedy, Mapping):
        return (("remedy", remedy),)
    return (("remedy", remedy.get("action")), ("command", remedy.get("command")))


def monitor(cluster: ClusterRef, /, *, waiting: Waiting = NO_WAIT, options: Options = DEFAULTS) -> None:
    """Probe every droplet of a cluster now."""
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"]
        reply = client.jobs.create("monitor", {"cluster_id": ident})
        if follow.finish(client, reply, waiting, f"monitor {cluster}"):
            reply = client.jobs.get(reply["job"]["id"])
        options.one(JOB, reply, "job")
