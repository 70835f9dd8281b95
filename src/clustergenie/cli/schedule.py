"""`clustergenie schedule …`."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import confirm, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.job import parse_parameters
from clustergenie.cli.options import DEFAULTS, ClusterRef, Limit, Options, ScheduleRef, Sort, order
from clustergenie.cli.tables import Shape, column, shape

SCHEDULE = Shape(
    "schedule",
    (
        *shape("schedule", "id", "name", "cron", "time_zone", "type", "paused", "next_run_at").columns,
        column("misfire", wide=True),
        column("parameters", wide=True),
        column("last_run_at", wide=True),
        column("last_error", wide=True),
    ),
)
Params = Annotated[Sequence[str], Parameter(name=["--param", "-p"], negative="", help="NAME=VALUE; repeat it.")]


def list_schedules(*, sort: Sort = "name", limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List schedules."""
    with options.client() as client:
        options.rows(SCHEDULE, client.schedules.list(limit=limit, **order(sort)))


def get_schedule(schedule: ScheduleRef, /, *, options: Options = DEFAULTS) -> None:
    """Show one schedule."""
    with options.client() as client:
        options.detail(SCHEDULE, client.schedules.get(resolve.schedule(client, schedule)["id"]), "schedule")


def create_schedule(
    name: str,
    /,
    *,
    cron: str,
    type: str,
    cluster: ClusterRef | None = None,
    param: Params = (),
    time_zone: str | None = None,
    misfire: str | None = None,
    paused: bool = False,
    options: Options = DEFAULTS,
) -> None:
    """Create a schedule: `schedule create nightly --cron "0 3 * * *" --type diagnose --cluster web`.

    Args:
        name: What to call it.
        cron: When, as five cron fields.
        type: Which job: diagnose, monitor, scale…
        time_zone: Whose clock, as in Europe/Berlin (default: UTC).
        misfire: What to do about slots missed while the server was down.
        paused: Create it without starting it.
    """
    parameters = parse_parameters(param)
    with options.client() as client:
        if cluster:
            parameters["cluster_id"] = resolve.cluster(client, cluster)["id"]
        wishes: dict[str, Any] = {"time_zone": time_zone, "misfire": misfire, "paused": paused or None}
        reply = client.schedules.create(name=name, cron=cron, type=type, parameters=parameters, **wishes)
        options.one(SCHEDULE, reply, "schedule")


def update_schedule(
    schedule: ScheduleRef,
    /,
    *,
    name: str | None = None,
    cron: str | None = None,
    time_zone: str | None = None,
    param: Params = (),
    misfire: str | None = None,
    paused: bool | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Change, pause (--paused) or resume (--no-paused) a schedule.

    Args:
        name: Its new name.
        cron: When, as five cron fields.
        time_zone: Whose clock.
        misfire: What to do about slots missed while the server was down.
        paused: Whether it rests.
    """
    wishes: dict[str, Any] = {"name": name, "cron": cron, "time_zone": time_zone, "misfire": misfire, "paused": paused}
    wishes["parameters"] = parse_parameters(param) or None
    if all(wish is None for wish in wishes.values()):
        raise Usage(
            "Nothing to change: give at least one of --name, --cron, --time-zone, --param, --misfire, --paused."
        )
    with options.client() as client:
        found = resolve.schedule(client, schedule)
        if wishes["parameters"]:
            wishes["parameters"] = {**found.get("parameters", {}), **wishes["parameters"]}
        options.one(SCHEDULE, client.schedules.update(found["id"], **_whole(found, wishes)), "schedule")


def _whole(found: Any, wishes: dict[str, Any]) -> dict[str, Any]:
    """PUT replaces: what is not changed is sent as it is, and what changed meanwhile is a conflict."""
    fields = ("name", "cron", "time_zone", "type", "parameters", "misfire", "paused", "version")
    return {name: wishes.get(name) if wishes.get(name) is not None else found.get(name) for name in fields}


def delete_schedule(schedule: ScheduleRef, /, *, yes: bool = False, options: Options = DEFAULTS) -> None:
    """Delete a schedule; the jobs it asked for stay.

    Args:
        yes: Do not ask.
    """
    with options.client() as client:
        found = resolve.schedule(client, schedule)
        confirm.yes_or_no(f"Delete schedule {found['name']}?", yes=yes)
        options.body(client.schedules.delete(found["id"]))
