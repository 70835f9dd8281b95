"""Jobs by the clock: time zones, missed slots, races, and schedules that cannot be kept."""

import asyncio
import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from clustergenie import jobs
from clustergenie.jobs import schedules
from clustergenie.jobs.schedules import ScheduleSpec, last_slot, next_slot
from clustergenie.jobs.tables import jobs as table
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Invalid, Problem
from tests.jobs.queues import START, Clock, Queue, Work, tell

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def _refuse(_tx: Tx, asked: Any) -> list[Problem | None]:
    return [Invalid("the cluster is gone") if work.name == "gone" else None for work in asked]


def _break(_tx: Tx, asked: Any) -> list[Problem | None]:
    return [None if work.name == "fine" else 1 / 0 for work in asked]  # type: ignore[list-item]


jobs.declare(jobs.Kind("refusing", Work, admit=_refuse))
jobs.declare(jobs.Kind("breaking", Work, admit=_break))


def spec(cron: str = "* * * * *", **more: Any) -> ScheduleSpec:
    return ScheduleSpec(**{"name": "s", "cron": cron, "type": "work"} | more)


def slots(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next slots, in local time with its offset."""
    moment: dt.datetime | None = dt.datetime.fromisoformat(after)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = next_slot(cron, zone, moment)
        assert moment is not None
        found.append(moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes"))
    return found


@pytest.mark.parametrize(
    ("cron", "zone", "after", "wanted"),
    [
        # The clock goes from 02:00 to 03:00: what would be at 02:30 is at 03:00, and the next day at 02:30 again.
        ("30 2 * * *", BERLIN, "2026-03-28T02:30+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00+10:30", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
        # The clock goes from 03:00 back to 02:00: what is at 02:30 is there once, the first time.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00+11:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
        # Seen from the second time, the first one has passed.
        ("30 2 * * *", BERLIN, "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00"]),
        # By the hour means every hour, the one that comes twice included.
        ("0 * * * *", BERLIN, "2026-10-25T01:30+02:00", ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]),
        ("0 * * * *", BERLIN, "2026-03-29T01:30+01:00", ["2026-03-29T03:00+02:00"]),
        ("0 9 29 2 *", "UTC", "2026-01-01T00:00+00:00", ["2028-02-29T09:00+00:00"]),
    ],
)
def test_slots_are_where_the_local_clock_has_them(cron: str, zone: str, after: str, wanted: list[str]) -> None:
    assert slots(cron, zone, after, len(wanted)) == wanted


CRONS = ["30 2 * * *", "10,40 1-3 * * *", "0 * * * *", "*/20 * * * *", "0 0 1 * *", "*/30 2 * * 0", "59 23 * * 1-5"]
ZONES = ["UTC", BERLIN, NEW_YORK, LORD_HOWE, "Asia/Kolkata", "Pacific/Apia"]
MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
)


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS)
def test_slots_only_ever_go_forward(cron: str, zone: str, moment: dt.datetime) -> None:
    found = [moment]
    for _ in range(10):
        slot = next_slot(cron, zone, found[-1])
        assert slot is not None
        found.append(slot)
    assert all(one < other for one, other in pairwise(found))


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS)
def test_the_last_slot_is_not_later_and_no_other_lies_between(cron: str, zone: str, moment: dt.datetime) -> None:
    last = last_slot(cron, zone, moment)
    assert last is not None
    assert last <= moment
    following = next_slot(cron, zone, last)
    assert following is not None
    assert following > moment


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"cron": "61 * * * *"}, "/cron"),
        ({"cron": "* * * *"}, "/cron"),
        ({"cron": "* * * * * *"}, "/cron"),
        ({"cron": "0 0 31 2 *"}, "/cron"),
        ({"cron": "a b c d e"}, "/cron"),
        ({"cron": "*/0 * * * *"}, "/cron"),
        ({"cron": "1-L * * * *"}, "/cron"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"time_zone": "Europe"}, "/time_zone"),
        ({"time_zone": "Europe/"}, "/time_zone"),
        ({"time_zone": "\0"}, "/time_zone"),
        ({"time_zone": "é"}, "/time_zone"),
        ({"type": "nonsense"}, "/type"),
        ({"type": "another"}, "/type"),
        ({"parameters": {"count": "many"}}, "/parameters/count"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_at_its_place(tmp_path: Path, wrong: dict[str, Any], pointer: str) -> None:
    async def story(q: Queue) -> None:
        with pytest.raises(Invalid) as refused:
            await q.db.write(schedules.create, spec(**wrong))
        assert refused.value.errors[0]["pointer"] == pointer

    tell(tmp_path, story, clock=Clock())


@given(cron=st.text(max_size=30), zone=st.text(max_size=20))
def test_no_text_is_worse_than_invalid(cron: str, zone: str) -> None:
    for wanted in (spec(cron=cron), spec(time_zone=zone)):
        try:
            schedules._check(wanted, START)
        except Invalid:
            continue


async def fired(q: Queue) -> int:
    return await jobs.fire_due(q.db)


@pytest.mark.parametrize(("misfire", "count"), [("fire_once", 1), ("skip", 1), ("all", 61)])
def test_a_scheduler_that_was_away_for_an_hour(tmp_path: Path, misfire: str, count: int) -> None:
    async def story(q: Queue) -> None:
        await q.db.write(schedules.create, spec(misfire=misfire))
        assert await fired(q) == 0
        q.clock.advance(61 * 60 + 5)
        assert await fired(q) == count
        assert await fired(q) == 0
        q.clock.advance(60)
        assert await fired(q) == 1

    tell(tmp_path, story, clock=Clock())


@pytest.mark.parametrize(("misfire", "count"), [("fire_once", 1), ("skip", 0)])
def test_a_daily_slot_that_was_missed(tmp_path: Path, misfire: str, count: int) -> None:
    async def story(q: Queue) -> None:
        await q.db.write(schedules.create, spec("0 13 * * *", misfire=misfire))
        q.clock.advance(3 * 24 * 3600)
        assert await fired(q) == count

    tell(tmp_path, story, clock=Clock())


def test_a_scheduler_that_was_away_for_a_year_fires_once_at_the_last_slot(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        made = await q.db.write(schedules.create, spec())
        q.clock.advance(365 * 24 * 3600 + 30)
        assert [await fired(q), await fired(q)] == [1, 0]
        seen = await q.db.read(schedules.get, made.id)
        last = q.clock.now.replace(second=0)
        assert (seen.last_run_at, seen.next_run_at) == (last, last + dt.timedelta(minutes=1))

    tell(tmp_path, story, clock=Clock())


def test_two_leaders_fire_a_slot_once(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        made = await q.db.write(schedules.create, spec())
        for _ in range(5):
            q.clock.advance(60)
            assert sum(await asyncio.gather(*(q.db.write(schedules.fire, made.id) for _ in range(4)))) == 1
        assert len(await q.db.read(lambda tx: tx.execute(select(table.c.id)).fetchall())) == 5

    tell(tmp_path, story, clock=Clock())


def test_a_slot_that_comes_again_after_the_clock_was_set_back_does_not_fire_again(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        made = await q.db.write(schedules.create, spec("5 12 * * *"))
        q.clock.advance(301)
        assert await fired(q) == 1

        def set_back(
            tx: Tx,
        ) -> None:  # as across a restart
            tx.now = START
            schedules.replace(tx, made.id, spec("5 12 * * *"))

        await q.db.write(set_back)
        assert await fired(q) == 0
        seen = await q.db.read(schedules.get, made.id)
        assert seen.next_run_at == START.replace(minute=5) + dt.timedelta(days=1)

    tell(tmp_path, story, clock=Clock())


def test_a_paused_schedule_rests_and_does_not_make_up_for_it(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        made = await q.db.write(schedules.create, spec(paused=True, misfire="all"))
        q.clock.advance(3600)
        assert await fired(q) == 0
        await q.db.write(schedules.replace, made.id, spec(misfire="all"))
        assert await fired(q) == 0
        q.clock.advance(60)
        assert await fired(q) == 1

    tell(tmp_path, story, clock=Clock())


def test_a_schedule_whose_job_is_refused_says_so_and_goes_on(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        wanted = spec(type="refusing", parameters={"name": "gone"})
        made = await q.db.write(schedules.create, wanted)
        q.clock.advance(60)
        await fired(q)
        seen = await q.db.read(schedules.get, made.id)
        assert (seen.last_error, seen.last_job_id) == ("the cluster is gone", None)
        await q.db.write(schedules.replace, made.id, spec(type="refusing"))
        q.clock.advance(60)
        await fired(q)
        seen = await q.db.read(schedules.get, made.id)
        assert seen.last_error is None
        assert seen.last_job_id is not None

    tell(tmp_path, story, clock=Clock())


def test_a_schedule_that_breaks_keeps_no_other_from_firing(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        for name, kind in (("a", "breaking"), ("b", "work")):
            await q.db.write(schedules.create, spec(name=name, type=kind))
        q.clock.advance(60)
        assert await fired(q) == 1

    tell(tmp_path, story, clock=Clock())


def test_names_are_taken_once_and_changes_are_not_overwritten(tmp_path: Path) -> None:
    async def story(q: Queue) -> None:
        first = await q.db.write(schedules.create, spec(name="a"))
        second = await q.db.write(schedules.create, spec(name="b"))
        with pytest.raises(schedules.ScheduleNameTaken):
            await q.db.write(schedules.create, spec(name="a"))
        with pytest.raises(schedules.ScheduleNameTaken):
            await q.db.write(schedules.replace, second.id, spec(name="a"))
        await q.db.write(schedules.replace, first.id, spec(name="c", version=1))
        with pytest.raises(schedules.ScheduleChanged):
            await q.db.write(schedules.replace, first.id, spec(name="d", version=1))
        await q.db.write(schedules.remove, first.id)
        with pytest.raises(schedules.ScheduleNotFound):
            await q.db.read(schedules.get, first.id)

    tell(tmp_path, story, clock=Clock())
