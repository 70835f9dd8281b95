"""`clustergenie metrics …`: measurements out and in."""

from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import output, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.options import DEFAULTS, ClusterRef, DropletRef, Limit, Options
from clustergenie.cli.tables import shape
from clustergenie.client import Client

METRIC = shape("measurement", "timestamp", "type", "value", "unit", "droplet_id", "cluster_id", ident="timestamp")
TYPE = shape("type", "type", "unit", "latest", ident="type")


def _subject(client: Client, cluster: str | None, droplet: str | None) -> dict[str, Any]:
    subject: dict[str, Any] = {}
    if cluster:
        subject["cluster_id"] = resolve.cluster(client, cluster)["id"]
    if droplet:
        subject["droplet_id"] = resolve.droplet(client, droplet)["id"]
    return subject


def get_metrics(
    *,
    cluster: ClusterRef | None = None,
    droplet: DropletRef | None = None,
    type: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from", help="Not before this time (RFC 3339).")] = None,
    to: str | None = None,
    step: str | None = None,
    limit: Limit = 100,
    options: Options = DEFAULTS,
) -> None:
    """Show measurements.

    Args:
        type: Only this one: cpu, memory, disk, network…
        to: Not after this time (RFC 3339).
        step: One point per so many seconds.
    """
    with options.client() as client:
        filters = _subject(client, cluster, droplet) | {"type": type, "from": from_, "to": to, "step": step}
        options.rows(METRIC, client.metrics.list(limit=limit, **filters))


def post_metric(
    type: str,
    value: float,
    /,
    *,
    cluster: ClusterRef | None = None,
    droplet: DropletRef | None = None,
    unit: str | None = None,
    timestamp: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Store a measurement: `metrics post queue_depth 42 --cluster web --unit jobs`.

    Args:
        type: What was measured.
        value: How much.
        unit: Of what.
        timestamp: When (RFC 3339; default: now).
    """
    if not (cluster or droplet):
        raise Usage("Say what was measured: --cluster or --droplet.")
    with options.client() as client:
        point = {"type": type, "value": value, "unit": unit, "timestamp": timestamp}
        point = _subject(client, cluster, droplet) | {name: given for name, given in point.items() if given is not None}
        reply = client.metrics.post([point])
        if options.raw:
            options.body(reply)
        else:
            output.note(f"Stored {type} {value:g}.")


def list_types(
    *, cluster: ClusterRef | None = None, droplet: DropletRef | None = None, options: Options = DEFAULTS
) -> None:
    """List the types of measurement there are, with the latest value of each."""
    with options.client() as client:
        points = client.metrics.list(limit=2000, **_subject(client, cluster, droplet))
        latest: dict[str, dict[str, Any]] = {}
        for point in sorted(points, key=lambda point: str(point.get("timestamp"))):
            latest[point["type"]] = {"type": point["type"], "unit": point.get("unit"), "latest": point.get("value")}
        options.rows(TYPE, [latest[name] for name in sorted(latest)])
