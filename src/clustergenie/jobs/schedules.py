"""Jobs by the clock: cron in a time zone, each slot at most once, whoever leads."""

import datetime as dt
import zoneinfo
from typing import Annotated, Any, Literal

import msgspec
from cronsim import CronSim, CronSimError
from msgspec import Meta
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from clustergenie import auth
from clustergenie.jobs import kinds, plan
from clustergenie.jobs.enqueue import enqueue
from clustergenie.jobs.models import Job
from clustergenie.jobs.tables import schedule_fires, schedules
from clustergenie.platform import ids
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict, NotFound, Problem, invalid
from clustergenie.platform.http import Page, Paging, fetch_page
from clustergenie.platform.telemetry import log

CATCH_UP_MOST = 100
"""Slots that one round will look at; a schedule that missed more goes on from there in the next round."""

SORTABLE = {name: schedules.c[name] for name in ("created_at", "name", "next_run_at", "last_run_at")}


class ScheduleNotFound(NotFound):
    """There is no schedule with this id."""


class ScheduleNameTaken(Conflict):
    """Another schedule has this name."""


class ScheduleChanged(Conflict):
    """The schedule was changed by somebody else meanwhile."""


class ScheduleSpec(msgspec.Struct, forbid_unknown_fields=True):
    """When to do what."""

    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
    cron: Annotated[str, Meta(min_length=1, max_length=128, description="Five fields, e.g. `0 3 * * 1-5`.")]
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    parameters: dict[str, str | int | float | bool | None] = {}
    time_zone: Annotated[str, Meta(min_length=1, max_length=64, description="IANA name.")] = "UTC"
    misfire: Annotated[
        Literal["fire_once", "skip", "all"], Meta(description="What to do about slots that passed while nobody looked.")
    ] = "fire_once"
    paused: bool = False
    version: Annotated[int, Meta(ge=1, description="On a change: refuse if it is not the current one.")] | None = None


class Schedule(msgspec.Struct, kw_only=True):
    """A schedule as it is shown."""

    id: str
    name: str
    cron: str
    time_zone: str
    type: str
    parameters: dict[str, Any]
    misfire: str
    paused: bool
    next_run_at: dt.datetime | None
    last_run_at: dt.datetime | None
    last_job_id: str | None
    last_error: str | None
    cluster_id: str | None
    created_by: str | None = None
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class Preview(msgspec.Struct, kw_only=True):
    """When a schedule would run: in words, in its own time zone, and the next moments."""

    words: str
    slots: list[dt.datetime]


def next_slot(cron: str, time_zone: str, after: dt.datetime) -> dt.datetime | None:
    """The first slot later than `after`, in UTC; None if there is none (30 February).

    Daylight saving: a slot in the hour that is skipped fires when that hour would have begun; one in the hour that
    comes twice fires once, the first time, unless the schedule is by the minute or hour (as Debian's cron does).
    """
    slots = CronSim(cron, after.astimezone(zoneinfo.ZoneInfo(time_zone)))
    # Seen from within the hour that comes twice, "the first time" can lie behind us.
    return next((slot for local in slots if (slot := local.astimezone(dt.UTC)) > after), None)


def next_slots(cron: str, time_zone: str, after: dt.datetime, count: int) -> list[dt.datetime]:
    """The first so many slots later than `after`, in UTC; fewer if there are no more."""
    found: list[dt.datetime] = []
    while len(found) < count and (slot := next_slot(cron, time_zone, found[-1] if found else after)) is not None:
        found.append(slot)
    return found


def preview(tx: Tx, cron: str, time_zone: str, count: int) -> Preview:
    """What a schedule would do; nothing is kept. Raises Invalid."""
    _check_clock(cron, time_zone, tx.now, ("?cron", "?time_zone"))
    words = CronSim(cron, tx.now.astimezone(zoneinfo.ZoneInfo(time_zone))).explain()
    return Preview(words=words, slots=next_slots(cron, time_zone, tx.now, count))


def last_slot(cron: str, time_zone: str, upto: dt.datetime) -> dt.datetime | None:
    """The newest slot that is not later than `upto`, found without walking through those before it."""
    zone = zoneinfo.ZoneInfo(time_zone)
    # A slot of the skipped hour is told by where it would have been, so look from after the longest gap there is.
    for local in CronSim(cron, (upto + dt.timedelta(hours=2)).astimezone(zone), reverse=True):
        if (slot := local.astimezone(dt.UTC)) <= upto:
            # Backwards and forwards may differ where the clock was changed; forwards is what the schedule goes by.
            following = next_slot(cron, time_zone, slot)
            return following if following is not None and following <= upto else slot
    return None


def create(tx: Tx, spec: ScheduleSpec) -> Schedule:
    """Keep a schedule. Raises Invalid, UnknownJobType, ScheduleNameTaken."""
    _check(spec, tx.now)
    schedule_id = f"schedule-{ids.sortable(tx.now)}"
    values = {**_values(spec, tx.now), "id": schedule_id, "version": 1, "created_at": tx.now, "updated_at": tx.now}
    try:
        tx.execute(insert(schedules).values(**values))
    except IntegrityError as clash:
        raise ScheduleNameTaken(f"There is already a schedule named {spec.name!r}; choose another name.") from clash
    auth.audit(tx, "schedule.create", schedule_id, after=spec)
    return get(tx, schedule_id)


def replace(tx: Tx, schedule_id: str, spec: ScheduleSpec) -> Schedule:
    """Change a schedule; its next slot is counted from now."""
    there = get(tx, schedule_id)
    _check(spec, tx.now)
    if spec.version is not None and spec.version != there.version:
        raise ScheduleChanged(f"{schedule_id} is at version {there.version}, not {spec.version}; read it again.")
    values = {**_values(spec, tx.now), "version": there.version + 1, "updated_at": tx.now}
    try:
        tx.execute(update(schedules).where(schedules.c.id == schedule_id).values(**values))
    except IntegrityError as clash:
        raise ScheduleNameTaken(f"There is already a schedule named {spec.name!r}; choose another name.") from clash
    now = get(tx, schedule_id)
    auth.audit(tx, "schedule.update", schedule_id, before=there, after=now)
    return now


def remove(tx: Tx, schedule_id: str) -> Schedule:
    """Forget a schedule; jobs it has queued stay."""
    there = get(tx, schedule_id)
    tx.execute(delete(schedule_fires).where(schedule_fires.c.schedule_id == schedule_id))
    tx.execute(delete(schedules).where(schedules.c.id == schedule_id))
    auth.audit(tx, "schedule.delete", schedule_id, before=there)
    return there


def get(tx: Tx, schedule_id: str) -> Schedule:
    """Raises ScheduleNotFound."""
    row = tx.execute(select(schedules).where(schedules.c.id == schedule_id)).one_or_none()
    if row is None or not auth.admits(row.cluster_id):
        raise ScheduleNotFound(f"There is no schedule {schedule_id!r}; GET /api/v1/schedules lists them.")
    return _shown(row)


def _shown(row: Any) -> Schedule:
    return Schedule(**{name: getattr(row, name) for name in Schedule.__struct_fields__})


def page(tx: Tx, paging: Paging) -> Page[Schedule]:
    """One page of schedules."""
    rows, total, following = fetch_page(
        tx, auth.visible(select(schedules), schedules.c.cluster_id), paging, SORTABLE, schedules.c.id
    )
    return Page([_shown(row) for row in rows], paging.page, paging.page_size, total, following)


def fire(tx: Tx, schedule_id: str) -> int:
    """Queue a job for each slot of one schedule that is due; how many. Slots, jobs and next slot commit together."""
    row = tx.execute(select(schedules).where(schedules.c.id == schedule_id).with_for_update()).one_or_none()
    if row is None or row.paused or row.next_run_at is None or row.next_run_at > tx.now:
        return 0
    slots, following = _passed(row, tx.now)
    changes: dict[str, Any] = {"next_run_at": following}
    # A clock that was set back, or a changed schedule, can bring a slot again; the row's lock makes this look safe.
    fires = select(schedule_fires.c.slot_at).where(
        schedule_fires.c.schedule_id == schedule_id, schedule_fires.c.slot_at.in_(slots)
    )
    fired = set(tx.execute(fires).scalars())
    to_fire = [slot for slot in plan.slots_due(slots, row.misfire, now=tx.now) if slot not in fired]
    for slot in to_fire:
        changes |= _fire_slot(tx, row, slot)
    tx.execute(update(schedules).where(schedules.c.id == schedule_id).values(**changes))
    return len(to_fire)


def run_now(tx: Tx, schedule_id: str) -> tuple[Schedule, Job]:
    """Queue its job at once, paused or not; its slots stay as they are.

    Raises ScheduleNotFound, and what the kind of job objects to."""
    there = get(tx, schedule_id)
    kind = kinds.public(there.type)
    job = enqueue(tx, kind, kinds.understand(kind, there.parameters))
    auth.audit(tx, "schedule.run", schedule_id, after={"job_id": job.id})
    ran = {"last_run_at": tx.now, "last_job_id": job.id, "last_error": None}
    tx.execute(update(schedules).where(schedules.c.id == schedule_id).values(**ran))
    return get(tx, schedule_id), job


def _passed(row: Any, now: dt.datetime) -> tuple[list[dt.datetime], dt.datetime | None]:
    """The slots that have passed, oldest first, and the first one after them."""
    slots: list[dt.datetime] = []
    following = row.next_run_at
    while following is not None and following <= now and len(slots) < CATCH_UP_MOST:
        slots.append(following)
        following = next_slot(row.cron, row.time_zone, following)
    if following is None or following > now or row.misfire == "all":
        return slots, following
    # More than one round looks at were missed, and only the last one matters.
    last = max(last_slot(row.cron, row.time_zone, now) or following, following)
    return [last], next_slot(row.cron, row.time_zone, last)


def _fire_slot(tx: Tx, row: Any, slot: dt.datetime) -> dict[str, Any]:
    job_id, error = None, None
    try:
        kind = kinds.public(row.type)
        with auth.acting_as(auth.owner(tx, row)):
            job_id = enqueue(tx, kind, kinds.understand(kind, row.parameters)).id
    except Problem as refusal:  # e.g. the cluster is gone: said on the schedule, and the next slot is tried again
        error = refusal.detail
    tx.execute(insert(schedule_fires).values(schedule_id=row.id, slot_at=slot, job_id=job_id))
    return {"last_run_at": slot, "last_job_id": job_id, "last_error": error}


async def fire_due(db: Database) -> int:
    """One round: every schedule that is due, each in a transaction of its own."""
    fired = 0
    for schedule_id in await db.read(_due):
        try:
            fired += await db.write(fire, schedule_id)
        except Exception:  # noqa: BLE001 - one schedule that cannot be fired must not keep the others from it
            log().exception("a schedule could not be fired", schedule_id=schedule_id)
    return fired


def _due(tx: Tx) -> list[str]:
    query = select(schedules.c.id).where(schedules.c.paused.is_(False), schedules.c.next_run_at <= tx.now)
    return list(tx.execute(query.limit(1000)).scalars())


def _values(spec: ScheduleSpec, now: dt.datetime) -> dict[str, Any]:
    values = {name: getattr(spec, name) for name in ScheduleSpec.__struct_fields__ if name != "version"}
    kind = kinds.public(spec.type)
    cluster_id = kind.lanes(kinds.understand(kind, spec.parameters)).cluster_id
    auth.demand(cluster_id)  # whether the cluster is there is looked at when it fires
    return {
        **values,
        **auth.owner_columns(),
        "cluster_id": cluster_id,
        "next_run_at": next_slot(spec.cron, spec.time_zone, now),
    }


def _check(spec: ScheduleSpec, now: dt.datetime) -> None:
    kinds.understand(kinds.public(spec.type), spec.parameters)
    _check_clock(spec.cron, spec.time_zone, now, ("/cron", "/time_zone"))


def _check_clock(cron: str, time_zone: str, now: dt.datetime, at: tuple[str, str]) -> None:
    if len(cron.split()) != 5:
        raise invalid(at[0], "must have five fields: minute, hour, day of month, month, day of week")
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(at[1], f"{time_zone!r} is not an IANA time zone, such as Europe/Berlin") from error
    try:
        next_slot(cron, time_zone, now)
    except CronSimError as error:
        raise invalid(at[0], f"{cron!r} is not a cron expression: {error}") from error
