"""Schedules over HTTP."""

from typing import Annotated

import msgspec
from litestar.params import FromPath, Parameter

from clustergenie.jobs import schedules
from clustergenie.jobs.models import Job, JobConflict, UnknownJobType
from clustergenie.jobs.schedules import (
    Preview,
    Schedule,
    ScheduleChanged,
    ScheduleNameTaken,
    ScheduleNotFound,
    ScheduleSpec,
)
from clustergenie.platform import http as web
from clustergenie.platform.db import Database


class ScheduleReply(msgspec.Struct):
    """A schedule, and what became of the request."""

    schedule: Schedule
    message: str


class ScheduleRun(msgspec.Struct):
    """A schedule, and the job it has just queued."""

    schedule: Schedule
    job: Job
    message: str


class ScheduleList(msgspec.Struct):
    """A page of schedules."""

    schedules: list[Schedule]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.post("/schedules", allow=web.OPERATOR, scoped=True, raises=[ScheduleNameTaken, UnknownJobType], tags=["schedules"])
async def create_schedule(db: Database, data: ScheduleSpec) -> ScheduleReply:
    """Queue a job by the clock."""
    return ScheduleReply(await db.write(schedules.create, data), "created")


@web.get("/schedules", allow=web.VIEWER, scoped=True, tags=["schedules"])
async def list_schedules(db: Database, paging: web.Paging) -> ScheduleList:
    """List schedules."""
    found = await db.read(schedules.page, paging)
    return ScheduleList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/schedules/preview", allow=web.VIEWER, scoped=True, tags=["schedules"])
async def preview_schedule(
    db: Database,
    cron: Annotated[str, Parameter(min_length=1, max_length=128, description="Five fields.")],
    time_zone: Annotated[str, Parameter(min_length=1, max_length=64, description="IANA name.")] = "UTC",
    count: Annotated[int, Parameter(ge=1, le=50, description="How many moments.")] = 5,
) -> Preview:
    """A cron expression in words, and when it would run next; nothing is kept."""
    return await db.read(schedules.preview, cron, time_zone, count)


@web.get("/schedules/{schedule_id:str}", allow=web.VIEWER, scoped=True, raises=[ScheduleNotFound], tags=["schedules"])
async def get_schedule(db: Database, schedule_id: FromPath[str]) -> ScheduleReply:
    """One schedule."""
    return ScheduleReply(await db.read(schedules.get, schedule_id), "ok")


@web.put(
    "/schedules/{schedule_id:str}",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ScheduleNotFound, ScheduleNameTaken, ScheduleChanged, UnknownJobType],
    tags=["schedules"],
)
async def replace_schedule(db: Database, schedule_id: FromPath[str], data: ScheduleSpec) -> ScheduleReply:
    """Change a schedule; its next slot is counted from now."""
    return ScheduleReply(await db.write(schedules.replace, schedule_id, data), "updated")


@web.post(
    "/schedules/{schedule_id:str}/run",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ScheduleNotFound, UnknownJobType, JobConflict],
    tags=["schedules"],
)
async def run_schedule(db: Database, schedule_id: FromPath[str]) -> ScheduleRun:
    """Queue the job of a schedule now, paused or not; its next slot stays."""
    schedule, job = await db.write(schedules.run_now, schedule_id)
    return ScheduleRun(schedule, job, "queued")


@web.delete(
    "/schedules/{schedule_id:str}",
    allow=web.OPERATOR,
    scoped=True,
    raises=[ScheduleNotFound],
    status_code=200,
    tags=["schedules"],
)
async def remove_schedule(db: Database, schedule_id: FromPath[str]) -> ScheduleReply:
    """Forget a schedule; jobs it has queued stay."""
    return ScheduleReply(await db.write(schedules.remove, schedule_id), "deleted")


routes = [
    create_schedule,
    list_schedules,
    preview_schedule,
    get_schedule,
    replace_schedule,
    run_schedule,
    remove_schedule,
]
