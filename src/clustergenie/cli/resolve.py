"""Find what the user means by a name: an id, or a name if only one thing has it."""

from collections.abc import Iterator
from typing import Any, cast

from clustergenie.cli.failures import Usage
from clustergenie.client import Client, Cluster, Droplet, NotFound, Schedule


def _by_name(noun: str, name: str, found: Iterator[Any], missing: NotFound) -> Any:
    hits = [item for item in found if item["name"] == name and item.get("status") != "deleted"]
    if not hits:
        raise missing
    if len(hits) > 1:
        raise Usage(f"{len(hits)} {noun}s are named {name!r}; use an id: {', '.join(h['id'] for h in hits)}.")
    return hits[0]


def cluster(client: Client, name: str) -> Cluster:
    """The cluster with this id or name; raises NotFound."""
    try:
        return client.clusters.get(name)["cluster"]
    except NotFound as missing:
        return cast(Cluster, _by_name("cluster", name, client.clusters.list(q=name), missing))


def droplet(client: Client, name: str) -> Droplet:
    """The droplet with this id or name; raises NotFound."""
    try:
        return client.droplets.get(name)["droplet"]
    except NotFound as missing:
        return cast(Droplet, _by_name("droplet", name, client.droplets.list(q=name), missing))


def schedule(client: Client, name: str) -> Schedule:
    """The schedule with this id or name; raises NotFound."""
    try:
        return client.schedules.get(name)["schedule"]
    except NotFound as missing:
        return cast(Schedule, _by_name("schedule", name, client.schedules.list(), missing))
