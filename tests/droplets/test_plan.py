"""Reconciliation decides safely whatever it sees: nothing in use is destroyed, nothing is lost before its time."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clustergenie.droplets.plan import (
    SILENT_HEARTBEATS,
    UNLISTED_SECONDS,
    Row,
    Seen,
    Verdict,
    heartbeat_seconds,
    numbered,
    progress,
    quiet,
    reconcile,
)

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
LOST_AFTER = 20.0
STATUSES = ("pending", "provisioning", "active", "draining", "deleting", "failed", "lost")
ids = st.sampled_from([f"droplet-{n}" for n in range(6)])
refs = st.sampled_from([f"m-{n}" for n in range(8)])
ages = st.floats(0, 400).map(lambda seconds: NOW - dt.timedelta(seconds=seconds))

rows = st.builds(
    Row,
    id=ids,
    status=st.sampled_from(STATUSES),
    machine_ref=st.none() | refs,
    job_is_live=st.booleans(),
    last_seen_at=st.none() | ages,
    heartbeat_seconds=st.sampled_from([0.0, 2.0, 25.0]),
    since=ages,
    cluster_id=st.none() | st.just("cluster-1"),
)
worlds = st.tuples(
    st.lists(rows, unique_by=lambda row: row.id, max_size=6),
    st.lists(st.builds(Seen, ref=refs, droplet_id=ids, running=st.booleans()), unique_by=lambda one: one.ref),
    st.frozensets(ids),
    ages,
)
World = tuple[list[Row], list[Seen], frozenset[str], dt.datetime]


def decide(world: World) -> Verdict:
    there, machines, deleted, watching_since = world
    return reconcile(there, machines, deleted, now=NOW, watching_since=watching_since, lost_after_seconds=LOST_AFTER)


def seconds(since: dt.datetime) -> float:
    return (NOW - since).total_seconds()


@given(worlds)
def test_a_machine_that_a_droplet_has_is_never_destroyed(world: World) -> None:
    tagged = {machine.ref: machine.droplet_id for machine in world[1]}
    for row in world[0]:
        if row.machine_ref is not None and tagged.get(row.machine_ref) == row.id:
            assert row.machine_ref not in decide(world).destroy


@given(worlds)
def test_a_droplet_whose_machine_nobody_has_noted_loses_none(world: World) -> None:
    unnoted = {row.id for row in world[0] if row.machine_ref is None}
    machines = {machine.ref for machine in world[1] if machine.droplet_id in unnoted}
    assert not machines & set(decide(world).destroy)


@given(worlds)
def test_every_machine_beside_the_noted_one_ends(world: World) -> None:
    noted = {row.id: row.machine_ref for row in world[0] if row.machine_ref is not None}
    surplus = {one.ref for one in world[1] if one.droplet_id in noted and one.ref != noted[one.droplet_id]}
    assert surplus <= set(decide(world).destroy)


@given(worlds)
def test_what_nobody_accounts_for_is_left_to_a_person_unless_its_end_was_decided(world: World) -> None:
    verdict, known = decide(world), {row.id for row in world[0]}
    for machine in world[1]:
        if machine.droplet_id not in known:
            decided = machine.droplet_id in world[2]
            assert (machine.ref in verdict.destroy, machine.ref in verdict.orphans) == (decided, not decided)
    assert not set(verdict.destroy) & set(verdict.orphans)


@given(worlds)
def test_no_silence_counts_before_patience_has_run_out(world: World) -> None:
    running = {machine.droplet_id for machine in world[1] if machine.running}
    for row in world[0]:
        heard = max(row.last_seen_at or row.since, world[3])
        patience = max(LOST_AFTER, SILENT_HEARTBEATS * row.heartbeat_seconds)
        if row.status == "active" and row.id in running:
            assert (row.id in decide(world).lost) == (seconds(heard) > patience)


@given(worlds)
def test_a_young_machine_that_is_not_listed_yet_is_not_lost(world: World) -> None:
    listed = {machine.droplet_id for machine in world[1]}
    for row in world[0]:
        if row.id not in listed and seconds(row.since) < UNLISTED_SECONDS:
            assert row.id not in decide(world).lost


@given(worlds)
def test_a_droplet_that_works_without_a_machine_that_is_there_is_lost_or_young(world: World) -> None:
    listed = {machine.droplet_id for machine in world[1]}
    for row in world[0]:
        if row.status == "active" and row.id not in listed:
            assert (row.id in decide(world).lost) == (seconds(row.since) >= UNLISTED_SECONDS)


@given(worlds)
def test_only_what_was_up_or_coming_is_lost_and_only_what_nobody_works_on_is_failed_or_ended(world: World) -> None:
    verdict, by_id = decide(world), {row.id: row for row in world[0]}
    assert all(by_id[key].status in ("active", "provisioning") for key in verdict.lost)
    assert all(by_id[key].status in ("pending", "provisioning") for key in verdict.failed)
    assert not any(by_id[key].job_is_live for key in [*verdict.failed, *verdict.finish_off])
    for key in verdict.finish_off:
        assert by_id[key].status in ("draining", "deleting") or by_id[key].cluster_id is not None


@given(worlds)
def test_each_droplet_gets_one_verdict_at_most(world: World) -> None:
    verdict = decide(world)
    told = [*verdict.lost, *verdict.failed, *verdict.found, *verdict.finish_off]
    assert len(told) == len(set(told))


@given(worlds)
def test_what_was_found_is_a_machine_of_that_droplet(world: World) -> None:
    tagged = {machine.ref: machine.droplet_id for machine in world[1]}
    assert all(tagged[ref] == droplet_id for droplet_id, ref in decide(world).found.items())


@given(worlds)
def test_what_is_quiet_has_no_part_in_the_verdict(world: World) -> None:
    there, machines, deleted, watching_since = world
    heard_after = NOW - dt.timedelta(seconds=LOST_AFTER)
    silent = quiet([(row, row.machine_ref) for row in there], machines, heard_after)
    rest = [row for row in there if row.id not in silent]
    assert decide(world) == decide(
        (rest, [one for one in machines if one.droplet_id not in silent], deleted, watching_since)
    )


def applied(world: World, verdict: Verdict) -> World:
    """The world once the verdict has been carried out, and its destroy jobs have begun."""
    there = [
        replace(
            row,
            status="lost" if row.id in verdict.lost else "failed" if row.id in verdict.failed
            else "deleting" if row.id in verdict.finish_off else row.status,
            job_is_live=row.job_is_live or row.id in verdict.finish_off,
            machine_ref=verdict.found.get(row.id, row.machine_ref),
            since=NOW if row.id in {**verdict.lost, **verdict.failed} else row.since,
        )
        for row in world[0]
    ]  # fmt: skip
    return there, [one for one in world[1] if one.ref not in verdict.destroy], world[2], world[3]


@given(worlds)
def test_it_comes_to_rest(world: World) -> None:
    for _ in range(4):  # found, then its duplicates end, then it is lost if its machine had stopped, then finished off
        verdict = decide(world)
        world = applied(world, verdict)
    last = decide(world)
    assert not (last.lost)
    assert not (last.failed)
    assert not (last.found)
    assert not (last.finish_off)
    assert not (last.destroy)


@given(st.text(min_size=1, max_size=300), st.integers(1, 10**6), st.integers(0, 50))
def test_numbers_make_names_that_differ_and_fit(name: str, first: int, count: int) -> None:
    names = numbered(name, first, count)
    assert len(set(names)) == count
    assert all(len(one) <= 255 for one in names)


@given(st.floats(0.2, 60), st.integers(0, 10**6))
def test_a_larger_fleet_talks_more_slowly_but_never_faster_than_asked(asked: float, fleet: int) -> None:
    paused = heartbeat_seconds(asked, fleet)
    assert paused >= asked
    assert fleet / paused <= 400 + 1e-6
    assert heartbeat_seconds(asked, fleet + 1000) >= paused


@given(st.integers(0, 10**4), st.data())
def test_progress_only_grows_from_10_to_75(wanted: int, data: st.DataObject) -> None:
    ordered = data.draw(st.integers(0, wanted))
    enrolled = data.draw(st.integers(0, ordered))
    assert 10 <= progress(ordered, enrolled, wanted) <= 75
    assert progress(wanted, wanted, wanted) == 75
    assert progress(wanted, 0, wanted) == (30 if wanted else 75)
