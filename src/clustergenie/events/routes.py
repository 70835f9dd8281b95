"""Events over HTTP: what happened, what is happening, and what a consumer could not take."""

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar.params import HeaderParameter, Parameter, QueryParameter
from litestar.response import Stream

from clustergenie.events import dead_letters, sse
from clustergenie.events.audience import Audience
from clustergenie.events.bus import Bus, BusStatus, GroupStatus, KafkaStatus
from clustergenie.events.catalogue import CATALOGUE
from clustergenie.events.dead_letters import AlreadyReplayed, DeadLetter, DeadLettersReply, UnknownDeadLetter
from clustergenie.events.history import EventsReply, Filter, history
from clustergenie.events.live import Live, TooManySubscribers
from clustergenie.events.log import Extent
from clustergenie.events.replay import Also, NoSuchConsumer, ReplayFailed
from clustergenie.platform.db import Database
from clustergenie.platform.errors import invalid
from clustergenie.platform.http import OPERATOR, VIEWER, Paging, get, post

_ONE = f"({'|'.join(sorted(CATALOGUE))})"

Id = Annotated[str | None, Parameter(min_length=1, max_length=255)]
Types = Annotated[
    list[str] | None,
    Parameter(
        description="Event types: repeated, or with commas between.",
        max_items=100,
        schema_extra={"items": {"type": "string", "pattern": f"^{_ONE}(,{_ONE})*$"}},
    ),
]
DeadLetterId = Annotated[int, Parameter(ge=1, le=2**53 - 1)]
LastId = Annotated[int | None, Parameter(gt=-1, le=2**53 - 1)]
LastIdHeader = Annotated[str | None, HeaderParameter(name="Last-Event-ID", schema_extra={"pattern": "^[0-9]{1,18}$"})]


class DeadLetterReply(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter."""

    dead_letter: DeadLetter
    message: str


class BusReply(msgspec.Struct, frozen=True, kw_only=True):
    """How the bus is doing: the reach of the log, the place and lag of each group, and who listens."""

    log: Extent
    groups: list[GroupStatus]
    dead_letters: int
    subscribers: int
    kafka: KafkaStatus | None


@get("/events", allow=VIEWER, scoped=True)
async def list_events(
    db: Database,
    audience: Audience,
    paging: Paging,
    cluster_id: Id = None,
    job_id: Id = None,
    droplet_id: Id = None,
    trace_id: Id = None,
    type: Types = None,
    start: Annotated[dt.datetime | None, QueryParameter(name="from", description="Not before this moment.")] = None,
    end: Annotated[dt.datetime | None, QueryParameter(name="to", description="Before this moment.")] = None,
) -> EventsReply:
    """What happened, newest first."""
    return await db.read(
        history,
        paging,
        cluster_id=cluster_id,
        job_id=job_id,
        droplet_id=droplet_id,
        trace_id=trace_id,
        types=_types(type),
        clusters=audience.clusters,
        since=_moment(start, "?from"),
        until=_moment(end, "?to"),
    )


@get("/events/stream", allow=VIEWER, scoped=True, raises=[TooManySubscribers], media_type=sse.MEDIA_TYPE)
async def stream_events(
    live: Live,
    audience: Audience,
    cluster_id: Id = None,
    job_id: Id = None,
    droplet_id: Id = None,
    trace_id: Id = None,
    type: Types = None,
    last_event_id: LastId = None,
    last_event_header: LastIdHeader = None,
) -> Stream:
    """What happens from now on, or after event `last_event_id`, as Server-Sent Events.

    The `Last-Event-ID` header, which browsers send when they reconnect, wins over the parameter. When the events in
    between are too many or no longer kept, an event `resync` says so: read the rows again.
    """
    wanted = Filter(
        cluster_id=cluster_id,
        job_id=job_id,
        droplet_id=droplet_id,
        trace_id=trace_id,
        types=_types(type),
        clusters=audience.clusters,
    )
    asked = _place(last_event_header) if last_event_header else last_event_id
    after = live.head if asked is None else asked
    return Stream(
        sse.stream(live.follow(wanted, after, audience), after), media_type=sse.MEDIA_TYPE, headers=sse.HEADERS
    )


@get("/events/dead-letters", allow=VIEWER)
async def list_dead_letters(db: Database, paging: Paging) -> DeadLettersReply:
    """Events that a consumer could not take, the last one first."""
    return await db.read(dead_letters.page, paging)


@post(
    "/events/dead-letters/{dead_letter_id:int}/replay",
    allow=OPERATOR,
    raises=[UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed],
    status_code=200,
)
async def replay_dead_letter(bus: Bus, on_replay: Also, dead_letter_id: DeadLetterId) -> DeadLetterReply:
    """Hand a dead letter to its consumer once more."""
    return DeadLetterReply(dead_letter=await bus.replay(dead_letter_id, on_replay), message="replayed")


@get("/observability/bus", allow=VIEWER)
async def bus_status(bus: Bus, live: Live) -> BusReply:
    """How far the log reaches, how far each consumer group is, and how many streams are open."""
    status: BusStatus = await bus.status()
    return BusReply(
        log=status.log,
        groups=status.groups,
        dead_letters=status.dead_letters,
        subscribers=live.subscribers,
        kafka=status.kafka,
    )


def _types(asked: list[str] | None) -> frozenset[str]:
    names = frozenset(name.strip() for part in asked or [] for name in part.split(","))
    if unknown := sorted(names - set(CATALOGUE)):
        raise invalid("?type", f"{unknown[0]!r} is not an event type; known: {', '.join(CATALOGUE)}")
    return names


def _moment(moment: dt.datetime | None, pointer: str) -> dt.datetime | None:
    """In UTC. Raises Invalid for a moment without a time zone, or one so far off that UTC has no word for it."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise invalid(pointer, "needs a time zone, such as 2026-03-02T12:00:00Z")
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise invalid(pointer, "is beyond all times that can be told") from error


def _place(header: str) -> int:
    if not (header.isascii() and header.isdigit() and len(header) <= 18):
        raise invalid(
            "Last-Event-ID", f"{header[:40]!r} is not the id of an event; leave it out to start with what happens next"
        )
    return int(header)


routes: list[Any] = [list_events, stream_events, list_dead_letters, replay_dead_letter, bus_status]
root_routes: list[Any] = [bus_status]
"""Those that also answer without the base path."""
