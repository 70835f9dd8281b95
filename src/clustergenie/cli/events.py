"""`clustergenie events …`: the history, the live feed, and what no consumer could take."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import output, resolve
from clustergenie.cli.failures import INTERRUPTED, Usage
from clustergenie.cli.options import DEFAULTS, ClusterRef, DropletRef, JobRef, Limit, Options
from clustergenie.cli.tables import EVENT, shape
from clustergenie.cli.watch import event_line
from clustergenie.client import Client, Message

DEAD = shape("dead letter", "id", "type", "key", "consumer_group", "attempts", "failed_at", "replayed_at", "reason")
Type = Annotated[str | None, Parameter(help="Only events of this type, e.g. job_completed.")]
Trace = Annotated[str | None, Parameter(help="Only events of this trace.")]


def _filters(client: Client, cluster: str | None, droplet: str | None, **rest: str | None) -> dict[str, Any]:
    filters: dict[str, Any] = {name: value for name, value in rest.items() if value is not None}
    if cluster:
        filters["cluster_id"] = resolve.cluster(client, cluster)["id"]
    if droplet:
        filters["droplet_id"] = resolve.droplet(client, droplet)["id"]
    return filters


def list_events(
    *,
    cluster: ClusterRef | None = None,
    droplet: DropletRef | None = None,
    job: JobRef | None = None,
    type: Type = None,
    trace_id: Trace = None,
    limit: Limit = 100,
    options: Options = DEFAULTS,
) -> None:
    """List events."""
    with options.client() as client:
        filters = _filters(client, cluster, droplet, job_id=job, type=type, trace_id=trace_id)
        options.rows(EVENT, client.events.list(limit=limit, **filters))


def tail_events(
    *,
    cluster: ClusterRef | None = None,
    droplet: DropletRef | None = None,
    job: JobRef | None = None,
    type: Type = None,
    trace_id: Trace = None,
    since: str | None = None,
    count: int | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Print events as they happen, until Ctrl-C; with -o json, one JSON object a line.

    Args:
        since: Go on after the event with this id.
        count: Stop after this many.
    """
    with options.client() as client:
        filters = _filters(client, cluster, droplet, job_id=job, type=type, trace_id=trace_id)
        messages = client.events.stream(last_event_id=since, **filters)
        try:
            for message in _first(messages, count):
                _print(message, as_json=options.format == "json")
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def _first(messages: Iterator[Message], count: int | None) -> Iterator[Message]:
    for number, message in enumerate(messages, 1):
        yield message
        if number == count:
            return


def _print(message: Message, *, as_json: bool) -> None:
    if not as_json:
        output.data(event_line(message))
    elif isinstance(message.data, dict) and message.type != "resync":
        output.data(json.dumps(message.data, ensure_ascii=False))
    else:
        output.note(event_line(message))
    output.flush()


def list_dead_letters(*, limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List dead letters."""
    with options.client() as client:
        options.rows(DEAD, client.events.dead_letters(limit=limit))


def replay_dead_letter(*letters: str, all: bool = False, options: Options = DEFAULTS) -> None:
    """Hand dead letters to their consumer once more.

    Args:
        letters: Their ids.
        all: Every one there is.
    """
    if bool(letters) == all:
        raise Usage("Name the dead letters to replay, or give --all.")
    with options.client() as client:
        chosen = letters or [str(x["id"]) for x in client.events.dead_letters() if not x.get("replayed_at")]
        for letter in chosen:
            client.events.replay(letter)
            output.note(f"Replayed {letter}.")
