"""Find clusters that are smaller than wanted, and droplets that do not come up."""

from collections import Counter

from clustergenie.diagnosis import remedies
from clustergenie.diagnosis.models import Case, Finding
from clustergenie.droplets import COMING, LIVE
from clustergenie.monitoring import Facts

STUCK_SECONDS = 60.0


def below_wanted_size(case: Case) -> list[Finding]:
    """Fewer droplets are there or on their way than are wanted."""
    cluster = case.health.cluster
    there = Counter(facts.status for facts in case.health.droplets)
    missing = cluster.wanted_size - sum(there[status] for status in LIVE)
    if missing <= 0 or cluster.status == "deleting":
        return []
    return [
        Finding(
            rule="below_wanted_size",
            severity="critical" if there["active"] == 0 else "warning",
            title=f"{missing} of {cluster.wanted_size} wanted droplets are missing, and nobody has ordered them yet",
            evidence={"wanted": cluster.wanted_size, "missing": missing, "statuses": dict(there)},
            cause=_why_missing(case),
            remedy=remedies.bring_to_size(
                cluster, "Wait for the cluster to heal by itself, or ask for its size at once"
            ),
        )
    ]


def _why_missing(case: Case) -> str:
    error = next((job.error for job in case.failed_jobs if job.type in ("heal", "scale", "provision")), None)
    if error:
        return f"The last attempt to bring it to size failed: {error}"
    if case.health.recent:
        return f"{len(case.health.recent)} droplets broke within the last minutes and are yet to be replaced."
    return "Its size was changed a moment ago, or droplets went without the cluster having noticed yet."


def provisioning_stuck(case: Case) -> list[Finding]:
    """Droplets that have been coming for too long."""
    found = []
    for facts in case.health.droplets:
        age = (case.health.at - facts.created_at).total_seconds()
        if facts.status in COMING and age > STUCK_SECONDS:
            found.append(_stuck(case, facts, age))
    return found


def _stuck(case: Case, facts: Facts, age: float) -> Finding:
    message = case.messages.get(facts.job_id or "")
    action = "See what the job that is to make it real says, and cancel it if it cannot succeed"
    return Finding(
        rule="provisioning_stuck",
        severity="warning",
        droplet_id=facts.id,
        title=f"{facts.name} has been {facts.status} for {age:.0f} s: {facts.status_reason}",
        evidence={"status": facts.status, "seconds": round(age), "reason": facts.status_reason, "job": message},
        cause=f"Its job says: {message}" if message else "Its machine was ordered, but its agent has not reported.",
        remedy=remedies.see_job(facts.job_id, action) if facts.job_id else remedies.see_droplet(facts.id, action),
    )


def provisioning_failed(case: Case) -> list[Finding]:
    """Droplets that could not be made, in the last minutes."""
    failed = [broken for broken in case.health.recent if broken.what == "failed"]
    known = {broken.droplet_id for broken in failed}
    found = [(one.droplet_id, one.name, one.reason) for one in failed]
    found += [
        (facts.id, facts.name, facts.status_reason)
        for facts in case.health.droplets
        if facts.status == "failed" and facts.id not in known
    ]
    action = "Put right what the reason names; the cluster tries again by itself, with growing pauses"
    return [
        Finding(
            rule="provisioning_failed",
            severity="warning",
            droplet_id=droplet_id,
            title=f"{name} could not be provisioned: {reason}",
            evidence={"reason": reason, "droplet": name},
            cause=reason or "Its provider gave no reason.",
            remedy=remedies.bring_to_size(case.health.cluster, action),
        )
        for droplet_id, name, reason in found
    ]
