"""Schedules over HTTP."""

import msgspec
from litestar.params import FromPath

from clustergenie.jobs import schedules
from clustergenie.jobs.models import UnknownJobType
from clustergenie.jobs.schedules import Schedule, ScheduleChanged, ScheduleNameTaken, ScheduleNotFound, ScheduleSpec
from clustergenie.platform import http as web
from clustergenie.platform.db import Database


class ScheduleReply(msgspec.Struct):
    """A schedule, and what became of the request."""

    schedule: Schedule
    message: str


class ScheduleList(msgspec.Struct):
    """A page of schedules."""

    schedules: list[Schedule]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.post("/schedules", raises=[ScheduleNameTaken, UnknownJobType], tags=["schedules"])
async def create_schedule(db: Database, data: ScheduleSpec) -> ScheduleReply:
    """Queue a job by the clock."""
    return ScheduleReply(await db.write(schedules.create, data), "created")


@web.get("/schedules", tags=["schedules"])
async def list_schedules(db: Database, paging: web.Paging) -> ScheduleList:
    """List schedules."""
    found = await db.read(schedules.page, paging)
    return ScheduleList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/schedules/{schedule_id:str}", raises=[ScheduleNotFound], tags=["schedules"])
async def get_schedule(db: Database, schedule_id: FromPath[str]) -> ScheduleReply:
    """One schedule."""
    return ScheduleReply(await db.read(schedules.get, schedule_id), "ok")


@web.put(
    "/schedules/{schedule_id:str}",
    raises=[ScheduleNotFound, ScheduleNameTaken, ScheduleChanged, UnknownJobType],
    tags=["schedules"],
)
async def replace_schedule(db: Database, schedule_id: FromPath[str], data: ScheduleSpec) -> ScheduleReply:
    """Change a schedule; its next slot is counted from now."""
    return ScheduleReply(await db.write(schedules.replace, schedule_id, data), "updated")


@web.delete("/schedules/{schedule_id:str}", raises=[ScheduleNotFound], status_code=200, tags=["schedules"])
async def remove_schedule(db: Database, schedule_id: FromPath[str]) -> ScheduleReply:
    """Forget a schedule; jobs it has queued stay."""
    return ScheduleReply(await db.write(schedules.remove, schedule_id), "deleted")


routes = [create_schedule, list_schedules, get_schedule, replace_schedule, remove_schedule]
