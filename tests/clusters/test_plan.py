"""Whom to let go, how large to become, how long to wait, and what to say: decided from the counts alone."""

import datetime as dt
import re

from hypothesis import given
from hypothesis import strategies as st

from clustergenie.clusters.plan import (
    LONGEST_PAUSE_SECONDS,
    Member,
    differs,
    health,
    pause_seconds,
    target,
    victims,
)

STATUSES = ("pending", "provisioning", "active", "draining", "deleting", "failed", "lost")
DAY = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
members = st.lists(
    st.builds(
        Member,
        id=st.integers(0, 50).map("droplet-{:02d}".format),
        status=st.sampled_from(("pending", "provisioning", "active")),
        created_at=st.integers(0, 5).map(lambda n: DAY + dt.timedelta(seconds=n)),
    ),
    unique_by=lambda member: member.id,
)
counts = st.dictionaries(st.sampled_from(STATUSES), st.integers(0, 30))
sizes = st.integers(0, 40)


@given(members, st.integers(-3, 60))
def test_as_many_are_let_go_as_asked_and_nobody_twice(there: list[Member], count: int) -> None:
    chosen = victims(there, count)
    assert len(chosen) == len(set(chosen)) == min(max(count, 0), len(there))
    assert set(chosen) <= {member.id for member in there}


@given(members, sizes)
def test_nobody_who_is_up_goes_before_somebody_who_is_not(there: list[Member], count: int) -> None:
    chosen = set(victims(there, count))
    gone = [member for member in there if member.id in chosen]
    stay = [member for member in there if member.id not in chosen]
    assert not (any(one.status == "active" for one in gone) and any(one.status != "active" for one in stay))
    for status in ("pending", "provisioning", "active"):
        newest = [one.created_at for one in stay if one.status == status]
        oldest = [one.created_at for one in gone if one.status == status]
        assert not newest or not oldest or max(newest) <= min(oldest)


@given(members, sizes, st.randoms())
def test_the_same_members_lead_to_the_same_choice(there: list[Member], count: int, chance: object) -> None:
    shuffled = list(there)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert victims(there, count) == victims(shuffled, count)


@given(sizes, st.none() | sizes, st.sampled_from(("scale_up", "scale_down")), st.integers(1, 60))
def test_a_target_is_what_was_asked_for_and_never_negative(wanted: int, size: int | None, action: str, by: int) -> None:
    found = target(wanted, size, action, by)
    assert found == (size if size is not None else max(0, wanted + (by if action == "scale_up" else -by)))


@given(counts, sizes)
def test_what_is_missing_counts_those_that_live_or_come(there: dict[str, int], wanted: int) -> None:
    living = sum(there.get(status, 0) for status in ("pending", "provisioning", "active"))
    assert differs(there, wanted) + living == wanted


def test_the_pause_doubles_from_two_seconds_to_five_minutes() -> None:
    pauses = [pause_seconds(failures) for failures in range(1, 40)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


@given(counts, sizes)
def test_healthy_means_all_that_are_wanted_and_nothing_else(there: dict[str, int], wanted: int) -> None:
    status, _ = health(there, wanted, deleting=False)
    only_active = all(not count for name, count in there.items() if name != "active")
    assert (status == "healthy") == (only_active and there.get("active", 0) == wanted > 0)
    assert (status == "empty") == (wanted == 0 and not any(there.values()))


@given(counts, sizes)
def test_what_is_broken_is_always_degraded(there: dict[str, int], wanted: int) -> None:
    broken = there.get("lost", 0) + there.get("failed", 0)
    status, _ = health(there, wanted, deleting=False)
    assert status == "degraded" or not broken
    assert status != "degraded" or broken or there.get("active", 0) < wanted


@given(counts, sizes, st.booleans())
def test_the_numbers_in_the_sentence_are_the_counts(there: dict[str, int], wanted: int, deleting: bool) -> None:
    status, sentence = health(there, wanted, deleting=deleting)
    if status == "deleting":
        assert int(re.findall(r"\d+", sentence)[0]) == sum(there.values())
        return
    told = {name: int(n) for n, name in re.findall(r"(\d+) (\w+)", sentence) if name in STATUSES}
    assert {name: n for name, n in there.items() if n and name != "active"} == told
    if status not in ("empty", "healthy"):
        assert sentence.startswith(f"{there.get('active', 0)} of {wanted} ")
    if status == "healthy":
        assert str(wanted) in sentence or wanted == 1
