"""Find checks that fail, jobs that fail again and again, and a queue that does not move."""

import re
from typing import Any

from clustergenie.diagnosis import remedies
from clustergenie.diagnosis.models import Case, Finding
from clustergenie.jobs import Job
from clustergenie.monitoring import symptoms

REPEATED = 2
WAITING_SECONDS = 10.0


def check_failing(case: Case) -> list[Finding]:
    """Declared checks that a droplet does not pass."""
    return [
        Finding(
            rule="check_failing",
            severity="warning",
            droplet_id=facts.id,
            title=f"{facts.name}: {symptom.words}",
            evidence=symptom.evidence,
            cause=f"What should answer as {symptom.evidence.get('check')} in {facts.name} is down or not well.",
            remedy=remedies.look_again(
                case.health.cluster,
                f"Start what should answer on {facts.name}, or take the check away; then probe again",
            ),
        )
        for facts in case.health.droplets
        for symptom in symptoms(facts)
        if symptom.code == "check"
    ]


def failing_jobs(case: Case) -> list[Finding]:
    """The same error, again and again."""
    alike: dict[tuple[str, str], list[Job]] = {}
    for job in case.failed_jobs:
        # Ids and numbers differ from job to job; the words around them are what repeats.
        alike.setdefault((job.type, re.sub(r"[\w-]*\d[\w-]*", "…", job.error or "")), []).append(job)
    return [_failing(jobs) for jobs in alike.values() if len(jobs) >= REPEATED]


def _failing(jobs: list[Job]) -> Finding:
    newest = jobs[0]
    error = newest.error or "no reason was given"
    return Finding(
        rule="failing_jobs",
        severity="warning",
        title=f"{len(jobs)} {newest.type} jobs failed in the last minutes with the same error: {error}",
        evidence={"count": len(jobs), "error": error, "jobs": [job.id for job in jobs[:10]]},
        cause=error,
        remedy=remedies.see_job(newest.id, "See what each attempt met, put it right, then retry the job"),
    )


def queue_backlog(case: Case) -> list[Finding]:
    """Jobs that are ready have to wait."""
    waited = _number(case.queue.get("oldest_ready_seconds"))
    ready = _number(case.queue.get("ready"))
    if waited < WAITING_SECONDS or ready <= 0:
        return []
    workers = case.queue.get("workers") or []
    return [
        Finding(
            rule="queue_backlog",
            severity="warning" if workers else "critical",
            title=f"{ready:.0f} jobs are ready and wait; the oldest for {waited:.0f} s",
            evidence={
                "ready": int(ready),
                "running": case.queue.get("running", 0),
                "oldest_ready_seconds": round(waited, 1),
                "workers": len(workers),
            },
            cause="More work is asked for than the workers can take." if workers else "No worker is alive.",
            remedy=remedies.more_workers("Give the control plane more workers, or ask for less"),
        )
    ]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
