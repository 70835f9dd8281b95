"""Each rule names what it found, with evidence, cause and remedy; none of them trips over odd evidence."""

import datetime as dt
import shlex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.diagnosis import plan, remedies
from clustergenie.diagnosis.models import SEVERITIES, Case, Finding
from clustergenie.jobs import Job
from clustergenie.monitoring import Broken, Check, Facts
from tests.monitoring.samples import NOW, cluster, evidence, facts, random_facts


def case(known: list[Facts], *recent: Broken, wanted: int | None = None, **more: Any) -> Case:
    """A case of these droplets in a cluster that wants as many as there are."""
    of = cluster(wanted_size=len(known) if wanted is None else wanted, active=len(known))
    return Case(health=evidence(known, of, list(recent)), larger={"s-1vcpu-1gb": "s-1vcpu-2gb"}, **more)


def found(of: Case) -> dict[str, Finding]:
    """What was found, by rule."""
    return {finding.rule: finding for finding in plan.diagnose(of).findings}


def lost(name: str = "web-001", reason: str = "its machine ended", **more: Any) -> Broken:
    """A droplet that was lost a moment ago."""
    return Broken(droplet_id=name, name=name, what=more.pop("what", "lost"), reason=reason, at=NOW, **more)


def job(kind: str = "heal", error: str = "no room in nyc1", number: int = 1) -> Job:
    """A job that failed."""
    return Job(
        id=f"job-{kind}-{number}", type=kind, status="failed", state="failed", cluster_id="cluster-1", droplet_id=None,
        trace_id="ab" * 16, progress=10, message=error, created_at=NOW, started_at=NOW, completed_at=NOW, result=None,
        error=error, parameters={}, attempt=1, max_attempts=1, priority=100, run_at=NOW, worker_id=None,
        cancel_requested_at=None, version=1,
    )  # fmt: skip


def agent(verdict: Any, **more: Any) -> Check:
    """An agent that did not answer."""
    return Check(name="agent", ok=False, verdict=verdict, detail=f"is {verdict}", failing_since=NOW, **more)


HUNG = facts(name="hung", silent_seconds=9.0, checks=[agent("hung")])
OLD = NOW - dt.timedelta(minutes=4)

SITUATIONS: list[tuple[str, str, Case, str]] = [
    ("machine_gone", "critical", case([facts()], lost(), wanted=2), "web-001 was lost at 12:00:00 UTC"),
    ("machine_gone", "warning", case([facts()], lost(replaced_by="d2", replaced_by_name="web-007")), "by web-007"),
    ("agent_silent", "critical", case([HUNG]), "hung: no heartbeat for 9 s (expected every 2 s); its agent is"),
    ("agent_silent", "critical", case([facts()], lost(reason="its agent has been silent for 20 s")), "silent for 20 s"),
    ("agent_unreachable", "warning", case([facts(checks=[agent("refused")])]), "is refused since 12:00:00 UTC"),
    ("memory_exhausted", "warning", case([facts(metrics={"memory": 91.0})]), "web-001: memory at 91 %"),
    ("memory_exhausted", "critical", case([facts(oom_kills=2, oom_seconds_ago=3.0)]), "OOM kills +2"),
    ("memory_exhausted", "warning", case([facts(oom_kills=2, oom_seconds_ago=300.0)]), "OOM kills +2"),
    ("disk_full", "critical", case([facts(metrics={"disk": 99.0})]), "disk at 99 %"),
    ("cpu_saturated", "warning", case([facts(metrics={"cpu": 99.0}, cpu_high_seconds=70.0)]), "cpu at 99 % for 70 s"),
    ("cpu_throttled", "info", case([facts(detail={"throttled_percent": 80.0})]), "in 80 % of"),
    (
        "check_failing", "warning",
        case([facts(checks=[Check(name="http :8080/", ok=False, detail="refuses connections", failing_since=NOW)])]),
        "check http :8080/: refuses connections since 12:00:00 UTC",
    ),
    ("below_wanted_size", "warning", case([facts()], wanted=3), "2 of 3 wanted droplets are missing"),
    ("below_wanted_size", "critical", case([], wanted=3, failed_jobs=[job()]), "3 of 3 wanted"),
    ("provisioning_stuck", "warning", case([facts(status="provisioning", created_at=OLD)]), "for 240 s"),
    ("provisioning_failed", "warning", case([facts()], lost(what="failed", reason="no room")), "provisioned: no room"),
    ("failing_jobs", "warning", case([facts()], failed_jobs=[job(number=1), job(number=2)]), "2 heal jobs failed"),
    (
        "queue_backlog", "warning",
        case([facts()], queue={"ready": 700, "oldest_ready_seconds": 12.0, "workers": [{}]}), "700 jobs are ready",
    ),
    ("flapping", "critical", case([facts()], *(lost(f"web-{n}") for n in range(3))), "3 droplets were lost"),
    ("agent_version_skew", "info", case([facts(agent_version="1.9"), facts(agent_version="1.10")]), "than 1.10"),
    ("nothing_wrong", "info", case([facts()]), "Nothing is wrong with web"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "severity", "of", "words"), SITUATIONS)
def test_a_rule_names_what_it_found(rule: str, severity: str, of: Case, words: str) -> None:
    finding = found(of)[rule]
    assert finding.severity == severity
    assert words in finding.title
    assert_complete(finding)


def assert_complete(finding: Finding) -> None:
    """A finding that a person can act on."""
    assert finding.title
    assert finding.cause
    assert any(value not in (None, "", [], {}) for value in finding.evidence.values())
    remedy = finding.remedy
    assert remedy.action
    assert remedy.dry_run
    assert remedy.api.path.startswith("/api/v1/")
    assert "clustergenie" in shlex.split(remedy.command)
    assert msgspec.json.encode(finding)


@pytest.mark.parametrize(
    "of",
    [
        case([facts(silent_seconds=4.0)]),
        case([facts(status="provisioning", created_at=NOW)]),
        case([facts()], failed_jobs=[job(), job("provision", "another reason")]),
        case([facts()], queue={"ready": 700, "oldest_ready_seconds": 1.0, "workers": [{}]}),
        case([facts(agent_version="1"), facts(agent_version=None), facts(agent_version="1")]),
        case([facts(), facts(status="deleting")], wanted=1),
        case([]),
    ],
)
def test_what_is_in_order_is_not_complained_about(of: Case) -> None:
    verdict = plan.diagnose(of)
    assert [finding.rule for finding in verdict.findings] == ["nothing_wrong"]
    assert verdict.severity == "info"


def test_the_probe_says_what_kind_of_silence_it_is() -> None:
    causes = {
        verdict: found(case([facts(silent_seconds=9.0, checks=[agent(verdict)])]))["agent_silent"].cause
        for verdict in ("hung", "refused", "unreachable")
    }
    assert "SIGSTOP" in causes["hung"]
    assert "its process has ended" in causes["refused"]
    assert "network is down" in causes["unreachable"]
    assert "no probe says why" in found(case([facts(silent_seconds=9.0)]))["agent_silent"].cause


def test_a_remedy_for_memory_is_the_next_larger_size_and_more_droplets_where_there_is_none() -> None:
    small, largest = (found(case([facts(size=size, metrics={"memory": 99.0})])) for size in ("s-1vcpu-1gb", "huge"))
    assert small["memory_exhausted"].remedy.command == "clustergenie cluster update web --size s-1vcpu-2gb"
    assert small["memory_exhausted"].remedy.api.body == {"size": "s-1vcpu-2gb"}
    assert largest["memory_exhausted"].remedy.command == "clustergenie cluster scale web --by 1"


def test_a_name_with_blanks_and_quotes_stays_one_word_of_the_command() -> None:
    odd = cluster(name="my 'web'; rm -rf /")
    words = shlex.split(remedies.see_health(odd, "Look").command)
    assert words == ["clustergenie", "health", "my 'web'; rm -rf /"]


def test_errors_that_differ_in_numbers_only_are_the_same_error() -> None:
    errors = [f"machine sim-{n} of droplet-1k{n}x had no room after {n} s" for n in range(3)]
    (finding,) = [
        one
        for one in plan.diagnose(case([facts()], failed_jobs=[job(error=error) for error in errors])).findings
        if one.rule == "failing_jobs"
    ]
    assert finding.evidence["count"] == 3


def test_the_worst_comes_first_and_there_are_not_too_many() -> None:
    known = [facts(id=f"d{n}", name=f"web-{n}", metrics={"memory": 91.0 if n % 2 else 99.0}) for n in range(300)]
    verdict = plan.diagnose(case(known))
    ranks = [SEVERITIES.index(finding.severity) for finding in verdict.findings]
    assert ranks == sorted(ranks)
    assert len(verdict.findings) == plan.MOST_FINDINGS
    assert verdict.evidence["findings_left_out"] == 100
    assert len(verdict.insights) == len(set(verdict.insights)) == plan.MOST_SENTENCES
    assert len(verdict.recommendations) <= plan.MOST_SENTENCES
    assert verdict.severity == "critical"


broken = st.builds(
    Broken,
    droplet_id=st.text(min_size=1, max_size=5),
    name=st.text(min_size=1, max_size=5),
    what=st.sampled_from(["lost", "failed"]),
    reason=st.text(max_size=20) | st.just("its agent has been silent for 20 s"),
    at=st.just(NOW),
    replaced_by=st.none() | st.just("d2"),
)
cases = st.builds(
    Case,
    health=st.builds(
        lambda known, recent, wanted, status: evidence(known, cluster(wanted_size=wanted, status=status), recent),
        st.lists(random_facts, max_size=6),
        st.lists(broken, max_size=5),
        st.integers(0, 10_000),
        st.sampled_from(["empty", "healthy", "degraded", "deleting", "provisioning"]),
    ),
    failed_jobs=st.lists(st.builds(job, st.sampled_from(["heal", "scale", "noop"]), st.text(max_size=9)), max_size=4),
    messages=st.dictionaries(st.just("job-1"), st.text(max_size=9)),
    queue=st.dictionaries(
        st.sampled_from(["ready", "running", "oldest_ready_seconds"]), st.integers(0, 10**6) | st.floats(0, 1e6)
    ),
    larger=st.just({"s-1vcpu-1gb": "s-1vcpu-2gb"}),
)


@given(cases)
def test_whatever_the_evidence_the_rules_come_to_a_verdict_that_can_be_acted_on(of: Case) -> None:
    verdict = plan.diagnose(of)
    assert verdict.findings
    assert verdict.insights
    assert verdict.recommendations
    for finding in verdict.findings:
        assert_complete(finding)
    assert verdict.severity == verdict.findings[0].severity


@given(cases, st.floats(0, 300))
def test_more_memory_in_use_never_removes_a_finding_about_memory(of: Case, more: float) -> None:
    def memory() -> set[str | None]:
        return {finding.droplet_id for finding in plan.diagnose(of).findings if finding.rule == "memory_exhausted"}

    before = memory()
    for known in of.health.droplets:
        known.metrics = {**known.metrics, "memory": known.metrics.get("memory", 0.0) + more}
    assert before <= memory()
