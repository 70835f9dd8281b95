"""Find machines that are gone, and agents that are silent, out of reach or out of date."""

from collections import Counter

from clustergenie.diagnosis import remedies
from clustergenie.diagnosis.models import Case, Finding
from clustergenie.monitoring import Broken, Facts, Symptom, symptoms

FLAPPING = 3
_HUNG = ("agent_hung", "agent_unreachable", "agent_refuses")


def machine_gone(case: Case) -> list[Finding]:
    """Machines that ended, or whose agents were given up on, in the last minutes; healed or not."""
    return [_gone(case, broken) for broken in case.health.recent if broken.what == "lost"]


def _gone(case: Case, broken: Broken) -> Finding:
    cluster = case.health.cluster
    hung = "silent" in broken.reason
    healed = f", replaced by {broken.replaced_by_name}" if broken.replaced_by else ""
    cause = (
        "The machine was there, but its agent said nothing: the process was stopped or hung, or its network was cut."
        if hung
        else "The machine's agent process ended without having been told to: it was killed, or it crashed."
    )
    remedy = (
        remedies.see_losses(cluster, f"Nothing has to be done: {broken.replaced_by_name} took its place")
        if broken.replaced_by
        else remedies.bring_to_size(cluster, "Wait for the cluster to heal by itself, or ask for its size at once")
    )
    return Finding(
        rule="agent_silent" if hung else "machine_gone",
        severity="warning" if broken.replaced_by else "critical",
        droplet_id=broken.droplet_id,
        title=f"{broken.name} was lost at {broken.at:%H:%M:%S} UTC ({broken.reason}){healed}",
        evidence={
            "reason": broken.reason,
            "lost_at": broken.at,
            "replaced_by": broken.replaced_by,
            "replaced_by_name": broken.replaced_by_name,
        },
        cause=cause,
        remedy=remedy,
    )


def agent_silent(case: Case) -> list[Finding]:
    """Agents whose heartbeat is overdue while their machine has not been given up on."""
    found = []
    for facts in case.health.droplets:
        by_code = {symptom.code: symptom for symptom in symptoms(facts)}
        if (silent := by_code.get("silent")) is not None:
            probe = next((by_code[code] for code in _HUNG if code in by_code), None)
            found.append(_silent(case, facts, silent, probe))
    return found


def _silent(case: Case, facts: Facts, silent: Symptom, probe: Symptom | None) -> Finding:
    left = max(0.0, case.health.lost_after_seconds - facts.silent_seconds)
    causes = {
        "agent_hung": "Its process is there and the kernel accepts connections for it, but it does not run: it was "
        "stopped (SIGSTOP), or it hangs.",
        "agent_refuses": "Nothing listens on its port any more: its process has ended.",
        "agent_unreachable": "Neither does it report nor can it be reached: its machine or its network is down.",
    }
    return Finding(
        rule="agent_silent",
        severity="critical",
        droplet_id=facts.id,
        title=f"{facts.name}: {silent.words}" + (f"; {probe.words}" if probe is not None else ""),
        evidence=silent.evidence | (probe.evidence if probe is not None else {}),
        cause=causes.get(probe.code if probe is not None else "", "It stopped reporting; no probe says why."),
        remedy=remedies.look_again(
            case.health.cluster,
            f"Nothing has to be done: without a word it is declared lost in {left:.0f} s, and replaced. "
            "Continue its process if it was stopped on purpose, or probe it again",
        ),
    )


def agent_unreachable(case: Case) -> list[Finding]:
    """Agents that report, but do not answer on their own address."""
    found = []
    for facts in case.health.droplets:
        seen = symptoms(facts)
        if any(symptom.code == "silent" for symptom in seen):
            continue
        found += [
            Finding(
                rule="agent_unreachable",
                severity="warning",
                droplet_id=facts.id,
                title=f"{facts.name}: {symptom.words}, though it reports",
                evidence=symptom.evidence | {"last_seen_at": facts.last_seen_at},
                cause="Its agent is alive but its port is not: it is overloaded, or something stands in between.",
                remedy=remedies.look_again(
                    case.health.cluster, "Probe it again; if it stays so, look into the droplet"
                ),
            )
            for symptom in seen
            if symptom.code in _HUNG
        ]
    return found


def agent_version_skew(case: Case) -> list[Finding]:
    """Agents of more than one version in a cluster."""
    versions = Counter(facts.agent_version for facts in case.health.droplets if facts.agent_version)
    if len(versions) < 2:
        return []
    newest = max(versions, key=_release)
    old = [facts for facts in case.health.droplets if facts.agent_version not in (None, "", newest)]
    return [
        Finding(
            rule="agent_version_skew",
            severity="info",
            title=f"{len(old)} droplets run an older agent than {newest}, the newest here",
            evidence={"versions": dict(versions), "droplets": [facts.name for facts in old[:20]]},
            cause="Droplets keep the agent they were made with.",
            remedy=remedies.add_one(
                case.health.cluster, "Replace the old ones one by one: add a droplet, then delete an old one"
            ),
        )
    ]


def _release(version: str) -> tuple[list[int], str]:
    return [int(part) for part in version.split(".") if part.isdecimal()], version


def flapping(case: Case) -> list[Finding]:
    """A cluster that keeps losing droplets."""
    lost = [broken for broken in case.health.recent if broken.what == "lost"]
    if len(lost) < FLAPPING:
        return []
    reasons = Counter(broken.reason for broken in lost)
    return [
        Finding(
            rule="flapping",
            severity="critical",
            title=f"{len(lost)} droplets were lost within 10 minutes",
            evidence={
                "lost": len(lost),
                "reasons": dict(reasons.most_common(5)),
                "droplets": [broken.name for broken in lost[:20]],
            },
            cause="What ends them ends their replacements too: a fault of the host, the network, or what they run.",
            remedy=remedies.see_losses(case.health.cluster, "Find what the losses have in common before more are made"),
        )
    ]
