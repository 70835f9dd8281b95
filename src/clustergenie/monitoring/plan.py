"""Decide what is wrong with droplets, from what is known about them; and which measurements are kept. Pure."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

from clustergenie.monitoring.models import Broken, Check, DropletHealth, Evidence, Facts, Health, Symptom

MISSED_HEARTBEATS = 3
SHORTEST_SILENCE_SECONDS = 5.0
MEMORY_PERCENT = 90.0
DISK_PERCENT = 90.0
CPU_PERCENT = 95.0
CPU_SECONDS = 60.0
THROTTLED_PERCENT = 50.0
RECENT_SECONDS = 600.0
OOM_SERIOUS_SECONDS = 60.0
"""A droplet that had a process ended for want of memory is unhealthy for so long; the finding stays for longer."""
DROPLETS_SHOWN = 1000
NAMED = 3
"""How many droplets a summary names."""

AGENT = "agent"
"""The name of the check that every droplet has."""


def symptoms(facts: Facts) -> list[Symptom]:
    """Everything that is wrong with a droplet, the most telling first."""
    if facts.status != "active":
        code = {"lost": "broken", "failed": "broken", "draining": "leaving", "deleting": "leaving"}
        words = f"{facts.status}: {facts.status_reason}"
        evidence = {"status": facts.status, "reason": facts.status_reason, "since": facts.updated_at}
        return [Symptom(code=code.get(facts.status, "coming"), words=words, evidence=evidence)]
    return [found for look in _LOOKS if (found := look(facts)) is not None] + _failing_checks(facts)


def silence_allowed(heartbeat_seconds: float) -> float:
    """How long an agent may say nothing before that means something."""
    return max(MISSED_HEARTBEATS * heartbeat_seconds, SHORTEST_SILENCE_SECONDS)


def _silent(facts: Facts) -> Symptom | None:
    if facts.silent_seconds <= silence_allowed(facts.heartbeat_seconds):
        return None
    expected = f" (expected every {facts.heartbeat_seconds:g} s)" if facts.heartbeat_seconds else ""
    evidence = {
        "silent_seconds": round(facts.silent_seconds, 1),
        "heartbeat_seconds": facts.heartbeat_seconds,
        "last_seen_at": facts.last_seen_at,
    }
    return Symptom(code="silent", words=f"no heartbeat for {facts.silent_seconds:.0f} s{expected}", evidence=evidence)


def _agent_unreachable(facts: Facts) -> Symptom | None:
    """One probe without an answer may be a busy moment; a refusal, a second one, or silence beside it is not."""
    probe = next((check for check in facts.checks if check.name == AGENT and check.ok is False), None)
    if probe is None:
        return None
    sure = probe.verdict == "refused" or probe.consecutive_failures > 1 or _silent(facts) is not None
    if not sure:
        return None
    code = {"refused": "agent_refuses", "hung": "agent_hung"}.get(probe.verdict or "", "agent_unreachable")
    return Symptom(code=code, words=f"its agent {probe.detail}{_since(probe)}", evidence=_of_check(probe, facts))


def _memory(facts: Facts) -> Symptom | None:
    used, limit = facts.metrics.get("memory"), facts.detail.get("memory_limit_bytes")
    if used is None or used < MEMORY_PERCENT:
        return None
    of = f" of {limit / (1 << 20):.0f} MB" if isinstance(limit, int | float) else ""
    evidence = {"memory_percent": used, "memory_limit_bytes": limit, "memory_bytes": facts.detail.get("memory_bytes")}
    return Symptom(code="memory", words=f"memory at {used:.0f} %{of}", evidence=evidence)


def _memory_kills(facts: Facts) -> Symptom | None:
    if facts.oom_kills <= 0:
        return None
    minutes = RECENT_SECONDS / 60
    words = f"OOM kills +{facts.oom_kills} in the last {minutes:.0f} min: processes were ended for want of memory"
    evidence = {
        "oom_kills": facts.oom_kills,
        "minutes": minutes,
        "seconds_ago": round(facts.oom_seconds_ago),
        "memory_percent": facts.metrics.get("memory"),
    }
    return Symptom(code="oom", words=words, evidence=evidence, serious=facts.oom_seconds_ago <= OOM_SERIOUS_SECONDS)


def _disk(facts: Facts) -> Symptom | None:
    used = facts.metrics.get("disk")
    if used is None or used < DISK_PERCENT:
        return None
    evidence = {"disk_percent": used, "disk_bytes": facts.detail.get("disk_bytes")}
    return Symptom(code="disk", words=f"disk at {used:.0f} %", evidence=evidence)


def _cpu(facts: Facts) -> Symptom | None:
    busy = facts.metrics.get("cpu")
    if busy is None or busy < CPU_PERCENT or facts.cpu_high_seconds < CPU_SECONDS:
        return None
    evidence = {"cpu_percent": busy, "seconds": round(facts.cpu_high_seconds)}
    return Symptom(code="cpu", words=f"cpu at {busy:.0f} % for {facts.cpu_high_seconds:.0f} s", evidence=evidence)


def _throttled(facts: Facts) -> Symptom | None:
    share = facts.detail.get("throttled_percent")
    if not isinstance(share, int | float) or share < THROTTLED_PERCENT:
        return None
    evidence = {"throttled_percent": share, "cpu_percent": facts.metrics.get("cpu")}
    words = f"held back by its CPU quota in {share:.0f} % of the scheduler's periods"
    return Symptom(code="throttled", words=words, evidence=evidence, serious=False)


_LOOKS: tuple[Callable[[Facts], Symptom | None], ...] = (
    _silent, _agent_unreachable, _memory, _memory_kills, _disk, _cpu, _throttled,
)  # fmt: skip


def _failing_checks(facts: Facts) -> list[Symptom]:
    return [
        Symptom(
            code="check",
            words=f"check {check.name}: {check.detail}{_since(check)}",
            evidence=_of_check(check, facts),
        )
        for check in facts.checks
        if check.name != AGENT and check.ok is False
    ]


def _since(check: Check) -> str:
    return f" since {check.failing_since:%H:%M:%S} UTC" if check.failing_since is not None else ""


def _of_check(check: Check, facts: Facts) -> dict[str, object]:
    return {
        "check": check.name,
        "address": f"{facts.ip_address}:{facts.port}" if check.name == AGENT else facts.ip_address,
        "result": check.detail,
        "consecutive_failures": check.consecutive_failures,
        "failing_since": check.failing_since,
        "checked_at": check.checked_at,
    }


def judge(evidence: Evidence) -> Health:
    """How the cluster is."""
    judged = [_judged(facts) for facts in evidence.droplets]
    judged.sort(key=lambda one: (one.healthy, one.status not in ("active", "lost", "failed"), one.name, one.id))
    cluster = evidence.cluster
    sick = [one for one in judged if not one.healthy and one.status in ("active", "lost", "failed")]
    return Health(
        cluster_id=cluster.id,
        name=cluster.name,
        status="degraded" if sick and cluster.status in ("healthy", "scaling", "provisioning") else cluster.status,
        summary=_summary(evidence, judged, sick),
        checked_at=evidence.at,
        last_checked=cluster.last_checked,
        wanted_size=cluster.wanted_size,
        counts=_counts(evidence, judged, len(sick)),
        droplets=judged[:DROPLETS_SHOWN],
        recent=evidence.recent,
    )


def _judged(facts: Facts) -> DropletHealth:
    reasons = [symptom.words for symptom in symptoms(facts) if symptom.serious]
    return DropletHealth(
        id=facts.id,
        name=facts.name,
        status=facts.status,
        healthy=not reasons,
        reasons=reasons,
        last_seen_at=facts.last_seen_at,
        ip_address=facts.ip_address,
        metrics=facts.metrics or None,
        checks=facts.checks,
    )


def _counts(evidence: Evidence, judged: Sequence[DropletHealth], sick: int) -> dict[str, int]:
    counts = dict.fromkeys(("total", "healthy", "unhealthy", "not_probed", "active"), 0)
    counts |= {"total": len(judged), "healthy": sum(one.healthy for one in judged), "unhealthy": sick}
    for facts in evidence.droplets:
        counts[facts.status] = counts.get(facts.status, 0) + 1
        counts["not_probed"] += any(check.name == AGENT and check.ok is None for check in facts.checks)
    return counts


def _summary(evidence: Evidence, judged: Sequence[DropletHealth], sick: Sequence[DropletHealth]) -> str:
    if sick:
        named = ", ".join(f"{one.name} ({'; '.join(one.reasons[:2])})" for one in sick[:NAMED])
        more = f" and {len(sick) - NAMED} more" if len(sick) > NAMED else ""
        sentence = f"{len(sick)} of {len(judged)} droplets are unhealthy: {named}{more}"
    else:
        sentence = evidence.cluster.health
    if not evidence.recent:
        return sentence
    named = ", ".join(f"{one.name} ({one.reason})" for one in evidence.recent[:NAMED])
    more = f" and {len(evidence.recent) - NAMED} more" if len(evidence.recent) > NAMED else ""
    return f"{sentence}; broke in the last {RECENT_SECONDS / 60:.0f} min: {named}{more}"


def sustained(points: Iterable[tuple[dt.datetime, float]], threshold: float) -> float:
    """For how many seconds, up to the newest of these points, no value was below the threshold."""
    newest: dt.datetime | None = None
    seconds = 0.0
    for moment, value in sorted(points, reverse=True):
        if value < threshold:
            break
        newest = newest or moment
        seconds = (newest - moment).total_seconds()
    return seconds


def replaced(broken: Sequence[Broken], newcomers: Sequence[tuple[str, str, dt.datetime]]) -> list[Broken]:
    """Say which newcomer (id, name, created) took whose place: the first to come after the first to go."""
    waiting = sorted(newcomers, key=lambda one: one[2])
    for one in sorted(broken, key=lambda gone: gone.at):
        place = next((place for place, new in enumerate(waiting) if new[2] >= one.at), None)
        if place is not None:
            one.replaced_by, one.replaced_by_name, _ = waiting.pop(place)
    return sorted(broken, key=lambda gone: gone.at, reverse=True)


def thin(reported: Sequence[tuple[str, dt.datetime]], kept: Mapping[str, dt.datetime], room: int) -> list[str]:
    """Which of the droplets that reported are to be kept a sample of: those whose last one is the oldest."""
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    ranked = sorted(reported, key=lambda one: (kept.get(one[0], never), one[1], one[0]))
    return [droplet_id for droplet_id, _ in ranked[: max(0, room)]]
