"""Bring together, in one look at the database, all that is known about a cluster's health."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from clustergenie import clusters, droplets, events
from clustergenie.monitoring import plan, prober
from clustergenie.monitoring.models import Broken, Check, Evidence, Facts, Health
from clustergenie.monitoring.tables import metrics, probes
from clustergenie.platform.db import Tx

RECENT = dt.timedelta(seconds=plan.RECENT_SECONDS)
CPU_WINDOW = dt.timedelta(minutes=5)
CPU_LOOKED_AT = 200
HEALING = ("job-heal-", "job-scale-")
_MEASURED = ("cpu", "memory", "disk", "network_in", "network_out")


class Killed(NamedTuple):
    """How many processes of a droplet were ended for want of memory, and when the last one was."""

    kills: int
    last: dt.datetime


def health(tx: Tx, fleet: droplets.Fleet, cluster_id: str) -> Health:
    """How a cluster is. Raises ClusterNotFound."""
    return plan.judge(gather(tx, fleet, cluster_id))


def gather(tx: Tx, fleet: droplets.Fleet, cluster_id: str) -> Evidence:
    """Everything known about a cluster. Raises ClusterNotFound."""
    cluster = clusters.get(tx, cluster_id)
    members = droplets.of_cluster(tx, cluster_id)
    simulated = prober.simulated_of(fleet)
    declared = [prober.name_of(check) for check in clusters.checks(tx, [cluster_id]).get(cluster_id, [])]
    answers = _answers(tx, cluster_id)
    kills = _memory_kills(tx, cluster_id)
    busy = _busy(tx, members)
    facts = []
    for member in members:
        known = _facts(member, tx.now, fleet.listening_since)
        known.checks = _checks(member, [plan.AGENT, *declared], answers.get(member.id, {}), simulated)
        if (killed := kills.get(member.id)) is not None:
            known.oom_kills = killed.kills
            known.oom_seconds_ago = max(0.0, (tx.now - killed.last).total_seconds())
        known.cpu_high_seconds = busy.get(member.id, 0.0)
        facts.append(known)
    recent = _recent(tx, cluster_id, members)
    return Evidence(
        at=tx.now, cluster=cluster, droplets=facts, recent=recent, lost_after_seconds=fleet.lost_after_seconds
    )


def _facts(member: droplets.Droplet, now: dt.datetime, listening_since: dt.datetime) -> Facts:
    said = member.metrics
    heard = max(member.last_seen_at or member.updated_at, listening_since)
    return Facts(
        id=member.id,
        name=member.name,
        status=member.status,
        status_reason=member.status_reason,
        provider=member.provider,
        size=member.size,
        created_at=member.created_at,
        updated_at=member.updated_at,
        ip_address=member.ip_address,
        port=member.port,
        job_id=member.job_id,
        last_seen_at=member.last_seen_at,
        silent_seconds=max(0.0, (now - heard).total_seconds()),
        heartbeat_seconds=member.heartbeat_seconds or 0.0,
        agent_version=member.agent_version,
        metrics={name: value for name in _MEASURED if (value := getattr(said, name, None)) is not None},
        detail=said.detail if said is not None else {},
    )


def _answers(tx: Tx, cluster_id: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in tx.execute(select(probes).where(probes.c.cluster_id == cluster_id)):
        found.setdefault(row.droplet_id, {})[row.check_name] = row
    return found


def _checks(
    member: droplets.Droplet, names: Sequence[str], answers: dict[str, Any], simulated: frozenset[str]
) -> list[Check]:
    """What is asked of the droplet, with its last answer; nothing is asked of one that is not active."""
    if member.status != "active":
        return []
    found = []
    for name in names:
        port = member.port if name == plan.AGENT else 0
        refusal = prober.why_not(member.provider, member.ip_address, port, simulated)
        row = answers.get(name)
        if refusal is not None or row is None:
            found.append(Check(name=name, ok=None, detail=refusal or "not probed yet"))
        else:
            fields = ("ok", "verdict", "detail", "latency_ms", "checked_at", "consecutive_failures", "failing_since")
            found.append(Check(name=name, **{field: getattr(row, field) for field in fields}))
    return found


def _memory_kills(tx: Tx, cluster_id: str) -> dict[str, Killed]:
    last: ColumnElement[Any] = func.max(metrics.c.timestamp)
    query = select(metrics.c.droplet_id, func.sum(metrics.c.value), last).where(
        metrics.c.cluster_id == cluster_id, metrics.c.type == "oom_kills", metrics.c.timestamp > tx.now - RECENT
    )
    rows = tx.execute(query.group_by(metrics.c.droplet_id))
    return {droplet_id: Killed(int(kills), at) for droplet_id, kills, at in map(tuple, rows)}


def _busy(tx: Tx, members: Sequence[droplets.Droplet]) -> dict[str, float]:
    """For how long the droplets that are busy now have been busy."""
    now_busy = [one.id for one in members if one.metrics and (one.metrics.cpu or 0.0) >= plan.CPU_PERCENT]
    points: dict[str, list[tuple[dt.datetime, float]]] = {}
    query = select(metrics.c.droplet_id, metrics.c.timestamp, metrics.c.value).where(
        metrics.c.droplet_id.in_(now_busy[:CPU_LOOKED_AT]),
        metrics.c.type == "cpu",
        metrics.c.timestamp > tx.now - CPU_WINDOW,
    )
    for row in tx.execute(query) if now_busy else ():
        points.setdefault(row.droplet_id, []).append((row.timestamp, row.value))
    return {droplet_id: plan.sustained(found, plan.CPU_PERCENT) for droplet_id, found in points.items()}


def _recent(tx: Tx, cluster_id: str, members: Sequence[droplets.Droplet]) -> list[Broken]:
    """What broke in the last minutes, from the log and from the rows, which know of failures too."""
    since = tx.now - RECENT
    broken: dict[str, Broken] = {}
    for event in events.recent(tx, cluster_id, frozenset({"droplet_lost"}), since):
        name = str(event.payload.get("name", event.key))
        reason = event.message.removeprefix(f"{name} lost: ")
        one = Broken(droplet_id=event.key, name=name, what="lost", reason=reason, at=event.timestamp)
        broken.setdefault(one.droplet_id, one)
    for row in droplets.broken_since(tx, cluster_id, since):
        if row.id not in broken:
            broken[row.id] = Broken(
                droplet_id=row.id,
                name=row.name,
                what="lost" if row.status == "lost" else "failed",
                reason=row.status_reason.removeprefix("replaced: "),
                at=row.updated_at,
            )
    newcomers = [
        (one.id, one.name, one.created_at)
        for one in members
        if one.id not in broken and (one.job_id or "").startswith(HEALING)
    ]
    return plan.replaced(list(broken.values()), newcomers)
