"""Find droplets that run out of memory, disk or processor."""

from clustergenie.diagnosis import remedies
from clustergenie.diagnosis.models import Case, Finding
from clustergenie.monitoring import Facts, Symptom, symptoms


def memory_exhausted(case: Case) -> list[Finding]:
    """Droplets whose memory is nearly full, or that had processes ended for want of it."""
    found = []
    for facts in case.health.droplets:
        seen = _of(facts, "memory", "oom")
        if not seen:
            continue
        killed = any(symptom.code == "oom" and symptom.serious for symptom in seen)
        evidence = {name: value for symptom in seen for name, value in symptom.evidence.items()}
        found.append(
            Finding(
                rule="memory_exhausted",
                severity="critical" if killed or (facts.metrics.get("memory") or 0.0) >= 97 else "warning",
                droplet_id=facts.id,
                title=f"{facts.name}: {'; '.join(symptom.words for symptom in seen)}",
                evidence={**evidence, "size": facts.size, "processes": facts.detail.get("processes")},
                cause=f"What runs in {facts.name} needs more memory than a {facts.size} has."
                + (" The kernel or the agent has ended processes to stay within it." if killed else ""),
                remedy=remedies.larger_size(case, facts.size, "Give it less to do or more memory"),
            )
        )
    return found


def disk_full(case: Case) -> list[Finding]:
    """Droplets whose disk is nearly full."""
    return [
        Finding(
            rule="disk_full",
            severity="critical" if (facts.metrics.get("disk") or 0.0) >= 97 else "warning",
            droplet_id=facts.id,
            title=f"{facts.name}: {symptom.words}",
            evidence={**symptom.evidence, "size": facts.size},
            cause=f"What {facts.name} keeps on disk comes close to what a {facts.size} has.",
            remedy=remedies.larger_size(case, facts.size, "Remove what is not needed, or give it a larger disk"),
        )
        for facts in case.health.droplets
        for symptom in _of(facts, "disk")
    ]


def cpu_saturated(case: Case) -> list[Finding]:
    """Droplets whose processor has been busy for a while without a break."""
    return [
        Finding(
            rule="cpu_saturated",
            severity="warning",
            droplet_id=facts.id,
            title=f"{facts.name}: {symptom.words}",
            evidence={**symptom.evidence, "size": facts.size, "load1": facts.detail.get("load1")},
            cause=f"What runs in {facts.name} asks for all of its processor, and waits for more.",
            remedy=remedies.add_one(case.health.cluster, "Share the load among more droplets"),
        )
        for facts in case.health.droplets
        for symptom in _of(facts, "cpu")
    ]


def cpu_throttled(case: Case) -> list[Finding]:
    """Droplets that the scheduler holds back because their share is used up."""
    return [
        Finding(
            rule="cpu_throttled",
            severity="info",
            droplet_id=facts.id,
            title=f"{facts.name}: {symptom.words}",
            evidence={**symptom.evidence, "size": facts.size},
            cause=f"{facts.name} wants more processor than its size {facts.size} allows.",
            remedy=remedies.larger_size(case, facts.size, "Give it more processor"),
        )
        for facts in case.health.droplets
        for symptom in _of(facts, "throttled")
    ]


def _of(facts: Facts, *codes: str) -> list[Symptom]:
    return [symptom for symptom in symptoms(facts) if symptom.code in codes]
