"""The decisions about attempts, backing off, ageing and missed slots."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from clustergenie.jobs import plan
from tests.jobs.queues import START

attempts = st.integers(1, 60)
chances = st.floats(0, 1, exclude_max=True)
slots = st.lists(st.integers(0, 100_000), unique=True, max_size=20).map(
    lambda seconds: [START - dt.timedelta(seconds=s) for s in sorted(seconds, reverse=True)]
)


@given(attempts, chances)
def test_backing_off_stays_within_its_bounds(attempt: int, jitter: float) -> None:
    assert 0.75 <= plan.backoff(attempt, jitter) <= 375


@given(attempts, chances)
def test_later_attempts_never_wait_less(attempt: int, jitter: float) -> None:
    assert plan.backoff(attempt, jitter) <= plan.backoff(attempt + 1, jitter)


@given(attempts, st.integers(1, 25), st.none() | st.floats(0, 1e6), chances)
def test_a_failure_is_tried_again_exactly_while_attempts_are_left(
    attempt: int, most: int, delay: float | None, jitter: float
) -> None:
    fate = plan.after_failure(attempt, most, delay, jitter)
    assert fate.state == ("scheduled" if attempt < most else "failed")
    assert bool(fate.reason) == (fate.state == "failed")
    if fate.state == "scheduled" and delay is not None:
        assert fate.delay_seconds == delay


@given(attempts, st.integers(1, 25), st.integers(0, 10), st.booleans())
def test_a_loss_ends_a_job_only_with_a_reason_and_never_one_that_was_to_stop_by_a_retry(
    attempt: int, most: int, losses: int, stop: bool
) -> None:
    fate = plan.after_loss(attempt, most, losses, cancel_requested=stop)
    assert fate.state in ("cancelled", "dead", "ready")
    assert bool(fate.reason) == (fate.state != "ready")
    assert (fate.state == "cancelled") == stop
    if not stop:
        assert (fate.state == "dead") == (losses >= 3 or attempt >= most + 3)


@given(st.integers(0, 1000))
def test_waiting_brings_every_priority_to_the_front(priority: int) -> None:
    rounds = 0
    while priority > 0:
        assert 0 <= plan.aged(priority) < priority
        priority, rounds = plan.aged(priority), rounds + 1
    assert rounds < 60


@given(slots, st.sampled_from(["fire_once", "skip", "all"]))
def test_missed_slots_fire_as_their_policy_says(passed: list[dt.datetime], misfire: str) -> None:
    firing = plan.slots_due(passed, misfire, now=START)
    assert set(firing) <= set(passed)
    if misfire == "all" or not passed:
        assert firing == passed
    elif misfire == "fire_once":
        assert firing == passed[-1:]
    else:
        assert firing == ([passed[-1]] if START - passed[-1] <= dt.timedelta(seconds=60) else [])
