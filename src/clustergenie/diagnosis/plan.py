"""Weigh the evidence: run every rule over a case, rank what they find, and say it in sentences. Pure."""

from collections import Counter
from typing import Any

from clustergenie.diagnosis import remedies
from clustergenie.diagnosis.models import SEVERITIES, Case, Finding, Verdict
from clustergenie.diagnosis.rules import RULES
from clustergenie.monitoring import AGENT, judge

MOST_FINDINGS = 200
MOST_SENTENCES = 20


def diagnose(case: Case) -> Verdict:
    """What is wrong with the cluster, the worst first."""
    found = [finding for rule in RULES for finding in rule(case)]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))  # stable: the rules' order breaks ties
    looked_at = _looked_at(case, found)
    if not any(finding.severity != "info" for finding in found):
        found.insert(0, _nothing_wrong(case, looked_at))
    summary = _summary(case, found)
    advice = [f"{finding.remedy.action} (`{finding.remedy.command}`)" for finding in found]
    return Verdict(
        severity=found[0].severity,
        summary=summary,
        insights=_few([summary, *(finding.title for finding in found)]),
        recommendations=_few(advice),
        findings=found[:MOST_FINDINGS],
        evidence=looked_at,
    )


def _summary(case: Case, found: list[Finding]) -> str:
    counted = Counter(finding.severity for finding in found)
    words = [f"{counted[severity]} {severity}" for severity in SEVERITIES[:2] if counted[severity]]
    sentence = judge(case.health).summary
    return f"{case.health.cluster.name}: {', '.join(words) or 'nothing wrong'}. {sentence[:1].upper()}{sentence[1:]}."


def _few(sentences: list[str]) -> list[str]:
    """Each sentence once, and not too many."""
    distinct = list(dict.fromkeys(sentences))
    if len(distinct) <= MOST_SENTENCES:
        return distinct
    return [*distinct[: MOST_SENTENCES - 1], f"… and {len(distinct) - MOST_SENTENCES + 1} more"]


def _looked_at(case: Case, found: list[Finding]) -> dict[str, Any]:
    """What the verdict rests on."""
    droplets = case.health.droplets
    agents = [check for facts in droplets for check in facts.checks if check.name == AGENT]
    return {
        "droplets": len(droplets),
        "active": sum(facts.status == "active" for facts in droplets),
        "wanted_size": case.health.cluster.wanted_size,
        "probed": sum(check.ok is not None for check in agents),
        "not_probed": sum(check.ok is None for check in agents),
        "checks": sum(len(facts.checks) for facts in droplets) - len(agents),
        "all_probes_answered_in_time": case.all_answered,
        "broken_in_10_minutes": len(case.health.recent),
        "failed_jobs_in_10_minutes": len(case.failed_jobs),
        "jobs_ready": case.queue.get("ready", 0),
        "rules": len(RULES),
        "findings": len(found),
        "findings_left_out": max(0, len(found) - MOST_FINDINGS),
    }


def _nothing_wrong(case: Case, looked_at: dict[str, Any]) -> Finding:
    cluster = case.health.cluster
    unprobed = looked_at["not_probed"]
    reach = f"{looked_at['active']} active droplets, {looked_at['probed']} of them probed"
    return Finding(
        rule="nothing_wrong",
        severity="info",
        title=f"Nothing is wrong with {cluster.name} that {len(RULES)} rules know of ({reach})",
        evidence=looked_at,
        cause="Heartbeats, memory, disk, processor, checks, size, losses, jobs and the queue are as they should be"
        + (f"; {unprobed} droplets could not be probed." if unprobed else "."),
        remedy=remedies.see_health(cluster, "No action is needed"),
    )
