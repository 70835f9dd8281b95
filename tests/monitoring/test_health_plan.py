"""What makes a droplet unhealthy, and what is kept of many measurements."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.monitoring import Check, plan, symptoms
from clustergenie.monitoring.models import Broken
from tests.monitoring.samples import NOW, cluster, evidence, facts, random_facts


def words(**known: Any) -> list[str]:
    """The reasons why a droplet of which this is known is not healthy."""
    return [symptom.words for symptom in symptoms(facts(**known)) if symptom.serious]


def agent(verdict: str, failures: int = 1, since: dt.datetime | None = NOW) -> Check:
    """The answer of an agent that did not answer well."""
    detail = {"refused": "refuses connections", "hung": "accepts connections but does not answer (stopped or hung)"}
    return Check(
        name=plan.AGENT,
        ok=False,
        verdict=verdict,  # type: ignore[arg-type]
        detail=detail.get(verdict, "answers 503"),
        checked_at=NOW,
        consecutive_failures=failures,
        failing_since=since,
    )


def test_a_droplet_that_reports_and_answers_is_healthy() -> None:
    fine = Check(name=plan.AGENT, ok=True, verdict="ok", detail="answers 200", checked_at=NOW)
    assert words(checks=[fine], metrics={"cpu": 100.0, "memory": 89.9, "disk": 89.9}) == []


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"silent_seconds": 6.5}, "no heartbeat for 6 s (expected every 2 s)"),
        ({"silent_seconds": 16.0, "heartbeat_seconds": 5.0}, "no heartbeat for 16 s (expected every 5 s)"),
        ({"metrics": {"memory": 97.2}, "detail": {"memory_limit_bytes": 1 << 30}}, "memory at 97 % of 1024 MB"),
        ({"metrics": {"memory": 91.0}}, "memory at 91 %"),
        ({"metrics": {"disk": 95.0}}, "disk at 95 %"),
        ({"metrics": {"cpu": 99.0}, "cpu_high_seconds": 61.0}, "cpu at 99 % for 61 s"),
        (
            {"oom_kills": 2, "oom_seconds_ago": 5.0},
            "OOM kills +2 in the last 10 min: processes were ended for want of memory",
        ),
        ({"checks": [agent("refused")]}, "its agent refuses connections since 12:00:00 UTC"),
        ({"status": "lost", "status_reason": "its machine is gone"}, "lost: its machine is gone"),
        ({"status": "provisioning", "status_reason": "its machine is ordered"}, "provisioning: its machine is ordered"),
        (
            {"checks": [Check(name="http :8080/", ok=False, detail="refuses connections", failing_since=NOW)]},
            "check http :8080/: refuses connections since 12:00:00 UTC",
        ),
    ],
)
def test_each_reason_names_its_evidence(known: dict[str, Any], reason: str) -> None:
    assert words(**known) == [reason]


@pytest.mark.parametrize(
    "known",
    [
        {"silent_seconds": 4.9},
        {"silent_seconds": 14.0, "heartbeat_seconds": 5.0},
        {"metrics": {"cpu": 100.0}, "cpu_high_seconds": 59.0},
        {"metrics": {"cpu": 10.0}, "cpu_high_seconds": 300.0},
        {"oom_kills": 2, "oom_seconds_ago": 61.0},
        {"detail": {"throttled_percent": 99.0}},
        {"checks": [Check(name=plan.AGENT, ok=None, detail="not probed yet")]},
    ],
)
def test_what_is_within_bounds_is_no_reason(known: dict[str, Any]) -> None:
    assert words(**known) == []


def test_one_answer_that_stays_out_may_be_a_busy_moment_and_a_second_one_or_silence_is_not() -> None:
    assert words(checks=[agent("hung", failures=1)]) == []
    assert len(words(checks=[agent("hung", failures=2)])) == 1
    silent = words(checks=[agent("hung", failures=1)], silent_seconds=8.0)
    assert silent[0].startswith("no heartbeat for 8 s")
    assert silent[1].startswith("its agent accepts connections but does not answer (stopped or hung)")


def test_unhealthy_droplets_come_first_and_are_counted_and_named() -> None:
    known = [facts(id="a", name="a"), facts(id="b", name="b", metrics={"disk": 99.0}), facts(id="c", status="pending")]
    health = plan.judge(evidence(known, cluster(status="healthy")))
    assert [one.id for one in health.droplets] == ["b", "c", "a"]
    assert health.status == "degraded"
    assert health.counts | {"healthy": 1, "unhealthy": 1, "total": 3, "active": 2, "pending": 1} == health.counts
    assert "1 of 3 droplets are unhealthy: b (disk at 99 %)" in health.summary


def test_what_broke_and_was_healed_is_still_named() -> None:
    broken = Broken(droplet_id="x", name="web-001", what="lost", reason="its machine ended", at=NOW)
    health = plan.judge(evidence([facts()], cluster(status="healthy"), [broken]))
    assert health.status == "healthy"
    assert health.summary.endswith("broke in the last 10 min: web-001 (its machine ended)")
    assert health.recent == [broken]


@given(st.lists(random_facts, max_size=20))
def test_health_is_judged_whatever_is_known(known: list[Any]) -> None:
    health = plan.judge(evidence(known))
    assert len(health.droplets) == len(known)
    assert all(one.healthy == (not one.reasons) for one in health.droplets)
    assert all(symptom.words and symptom.evidence for one in known for symptom in symptoms(one))


@given(random_facts, st.floats(0, 200))
def test_more_memory_in_use_never_takes_a_reason_away(known: Any, more: float) -> None:
    def codes(percent: float) -> set[str]:
        known.metrics = {**known.metrics, "memory": percent}
        return {symptom.code for symptom in symptoms(known)}

    before = known.metrics.get("memory", 0.0)
    assert codes(before) <= codes(before + more)


def test_newcomers_take_the_places_in_the_order_in_which_they_became_free() -> None:
    def gone(name: str, seconds: int) -> Broken:
        return Broken(droplet_id=name, name=name, what="lost", reason="r", at=NOW + dt.timedelta(seconds=seconds))

    newcomers = [("n2", "web-9", NOW + dt.timedelta(seconds=5)), ("n1", "web-8", NOW + dt.timedelta(seconds=1))]
    found = plan.replaced([gone("b", 3), gone("a", 0), gone("c", 9)], newcomers)
    assert [(one.droplet_id, one.replaced_by) for one in found] == [("c", None), ("b", "n2"), ("a", "n1")]


def test_busy_means_without_a_break_until_now() -> None:
    def at(*values: float) -> list[tuple[dt.datetime, float]]:
        return [(NOW + dt.timedelta(seconds=2 * place), value) for place, value in enumerate(values)]

    assert plan.sustained(at(99, 98, 99), 95) == 4
    assert plan.sustained(at(99, 20, 99, 99), 95) == 2
    assert plan.sustained(at(99, 99, 20), 95) == 0
    assert plan.sustained([], 95) == 0


moments = st.integers(0, 1000).map(lambda second: NOW + dt.timedelta(seconds=second))


@given(st.dictionaries(st.text(max_size=3), moments), st.dictionaries(st.text(max_size=3), moments), st.integers(-1, 9))
def test_thinning_keeps_no_more_than_there_is_room_for_and_those_that_waited_longest(
    reported: dict[str, dt.datetime], kept: dict[str, dt.datetime], room: int
) -> None:
    chosen = plan.thin(list(reported.items()), kept, room)
    assert len(chosen) == len(set(chosen)) == min(max(0, room), len(reported))
    left = set(reported) - set(chosen)
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    assert all(kept.get(one, never) <= kept.get(other, never) for one in chosen for other in left)
