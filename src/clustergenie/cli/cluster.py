"""`clustergenie cluster …`."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from clustergenie.cli import confirm, follow, output, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.follow import DEFAULTS as NO_WAIT
from clustergenie.cli.follow import Waiting
from clustergenie.cli.options import DEFAULTS, ClusterRef, Limit, Options, Sort, order
from clustergenie.cli.tables import CLUSTER, JOB
from clustergenie.client import Client, Cluster, NotFound

OnConflict = Annotated[
    Literal["queue", "reject", "replace"] | None, Parameter(help="What to do about work already under way.")
]
Checks = Annotated[
    Sequence[str],
    Parameter(name="--check", negative="", help="tcp:PORT or http:PORT/PATH, repeated; droplets must answer."),
]


def parse_checks(given: Sequence[str]) -> list[dict[str, Any]] | None:
    """`tcp:5432` and `http:8080/healthz` as the API has them; None when none are given."""
    checks: list[dict[str, Any]] = []
    for text in given:
        found = re.fullmatch(r"tcp:(\d+)|http:(\d+)(/\S*)?", text)
        if not found:
            raise Usage(f"--check {text!r} is neither tcp:PORT nor http:PORT/PATH.")
        tcp, http, path = found.groups()
        checks.append(
            {"type": "tcp", "port": int(tcp)} if tcp else {"type": "http", "port": int(http), "path": path or "/"}
        )
    return checks or None


def list_clusters(
    *,
    status: str | None = None,
    region: str | None = None,
    q: str | None = None,
    sort: Sort = "name",
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List clusters.

    Args:
        status: Only clusters in this status.
        region: Only clusters in this region.
        q: Only clusters whose name contains this.
    """
    with options.client() as client:
        options.rows(CLUSTER, client.clusters.list(limit=limit, status=status, region=region, q=q, **order(sort)))


def get_cluster(cluster: ClusterRef, /, *, options: Options = DEFAULTS) -> None:
    """Show one cluster."""
    with options.client() as client:
        options.detail(CLUSTER, client.clusters.get(resolve.cluster(client, cluster)["id"]), "cluster")


def create_cluster(
    name: str,
    /,
    *,
    region: str | None = None,
    provider: str | None = None,
    size: str | None = None,
    image: str | None = None,
    wanted_size: int | None = None,
    check: Checks = (),
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Create a cluster.

    Args:
        name: What to call it.
        region: Where its droplets run.
        provider: Who runs them (default: the server's).
        size: How big each droplet is.
        image: What each droplet boots.
        wanted_size: How many droplets it should have; without it, it starts empty.
    """
    wishes = {"region": region, "provider": provider, "size": size, "image": image, "wanted_size": wanted_size}
    checks = parse_checks(check)
    with options.client() as client:
        reply: Any = client.clusters.create(name=name, checks=checks, **wishes)
        ident = reply["cluster"]["id"]
        if wanted_size and waiting.wanted:
            follow.finish(client, reply, waiting, f"create {name}")
            follow.cluster(client, ident, _has(wanted_size), waiting)
            reply = {**reply, "cluster": client.clusters.get(ident)["cluster"]}
        options.one(CLUSTER, reply, "cluster")


def _has(size: int) -> Any:
    return lambda cluster: cluster.get("active", len(cluster["droplets"])) == size and cluster["status"] != "scaling"


def update_cluster(
    cluster: ClusterRef,
    /,
    *,
    name: str | None = None,
    wanted_size: int | None = None,
    region: str | None = None,
    size: str | None = None,
    image: str | None = None,
    check: Checks = (),
    if_revision: int | None = None,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Change a cluster.

    Args:
        name: Its new name.
        wanted_size: How many droplets it should have.
        region: Where new droplets run.
        size: How big new droplets are.
        image: What new droplets boot.
        if_revision: Only if the cluster still has this revision; otherwise exit 6.
    """
    wishes: dict[str, Any] = {"name": name, "wanted_size": wanted_size, "region": region, "size": size, "image": image}
    wishes["checks"] = parse_checks(check)
    if all(wish is None for wish in wishes.values()):
        raise Usage(
            "Nothing to change: give at least one of --name, --wanted-size, --region, --size, --image, --check."
        )
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"]
        reply: Any = client.clusters.update(ident, **wishes, revision=if_revision)
        if follow.finish(client, reply, waiting, f"update {cluster}"):
            reply = {**reply, "cluster": client.clusters.get(ident)["cluster"]}
        options.one(CLUSTER, reply, "cluster")


def delete_cluster(
    cluster: ClusterRef,
    /,
    *,
    on_conflict: OnConflict = None,
    yes: bool = False,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Delete a cluster and its droplets.

    Args:
        yes: Do not ask.
    """
    with options.client() as client:
        found = resolve.cluster(client, cluster)
        count = len(found.get("droplets") or [])
        confirm.by_name("cluster", found["name"], f"and its {count} droplet{'s' * (count != 1)}", yes=yes)
        reply: Any = client.clusters.delete(found["id"], on_conflict=on_conflict)
        if follow.finish(client, reply, waiting, f"delete {found['name']}"):
            _await_gone(client, found, waiting)
            output.note(f"{found['name']} is gone.")
        options.one(CLUSTER, reply, "cluster")


def _await_gone(client: Client, found: Cluster, waiting: Waiting) -> None:
    try:
        follow.cluster(client, found["id"], lambda cluster: cluster["status"] == "deleted", waiting)
    except NotFound:
        return  # gone is what we waited for


def scale_cluster(
    cluster: ClusterRef,
    size: int | None = None,
    /,
    *,
    by: int | None = None,
    on_conflict: OnConflict = None,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Bring a cluster to a size: `scale web 5`, or relative: `scale web --by 2`, `scale web --by=-1`.

    Args:
        size: How many droplets it should have.
        by: How many more (or, negative, fewer).
    """
    if (size is None) == (by is None) or by == 0:
        raise Usage("Give either a size (scale web 5) or a change (scale web --by 2).")
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"]
        if by is None:
            wish: dict[str, Any] = {"target_size": size}
        else:
            wish = {"action": "scale_up" if by > 0 else "scale_down", "by": abs(by)}
        reply = client.jobs.create("scale", {"cluster_id": ident, **wish}, on_conflict=on_conflict)
        _show_job(client, reply, waiting, options, f"scale {cluster}")


def provision_cluster(
    cluster: ClusterRef,
    /,
    *,
    count: int = 1,
    name: str | None = None,
    region: str | None = None,
    size: str | None = None,
    image: str | None = None,
    provider: str | None = None,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Add droplets to a cluster.

    Args:
        count: How many.
        name: What their names start with.
        region: Where they run.
        size: How big they are.
        image: What they boot.
        provider: Who runs them.
    """
    wishes = {"name": name, "region": region, "size": size, "image": image, "provider": provider}
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"]
        reply = client.clusters.provision(ident, count=count, **wishes)
        _show_job(client, reply, waiting, options, f"provision {cluster}")


def _show_job(client: Client, reply: Any, waiting: Waiting, options: Options, what: str) -> None:
    if follow.finish(client, reply, waiting, what):
        reply = client.jobs.get(reply["job"]["id"])
    options.one(JOB, reply, "job")
