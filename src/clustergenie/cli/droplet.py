"""`clustergenie droplet …`."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import confirm, follow, output, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.follow import DEFAULTS as NO_WAIT
from clustergenie.cli.follow import Waiting
from clustergenie.cli.options import DEFAULTS, ClusterRef, DropletRef, Limit, Options, Sort, order
from clustergenie.cli.server import borrow, data_dir_of, starting
from clustergenie.cli.tables import COST, DROPLET, Shape, age, shape
from clustergenie.client import ClientError

ORPHAN = Shape(
    "orphan",
    (
        *shape("orphan", "ref", "provider", "name", "ip_address", "region", "size").columns,
        age("age", "created_at"),
        COST,
    ),
    ident="ref",
)


def list_droplets(
    *,
    cluster: ClusterRef | None = None,
    status: str | None = None,
    provider: str | None = None,
    region: str | None = None,
    q: str | None = None,
    sort: Sort = "name",
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List droplets.

    Args:
        status: Only droplets in this status: pending, provisioning, active, draining, failed, lost…
        provider: Only droplets of this provider.
        region: Only droplets in this region.
        q: Only droplets whose name contains this.
    """
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"] if cluster else None
        filters = {"cluster_id": ident, "status": status, "provider": provider, "region": region, "q": q}
        options.rows(DROPLET, client.droplets.list(limit=limit, **filters, **order(sort)))


def get_droplet(droplet: DropletRef, /, *, options: Options = DEFAULTS) -> None:
    """Show one droplet."""
    with options.client() as client:
        options.detail(DROPLET, client.droplets.get(resolve.droplet(client, droplet)["id"]), "droplet")


def create_droplet(
    name: str,
    /,
    *,
    cluster: ClusterRef | None = None,
    region: str | None = None,
    size: str | None = None,
    image: str | None = None,
    provider: str | None = None,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Ask for one droplet.

    Args:
        name: What to call it.
        region: Where it runs.
        size: How big it is.
        image: What it boots.
        provider: Who runs it.
    """
    wishes = {"region": region, "size": size, "image": image, "provider": provider}
    with options.client() as client:
        ident = resolve.cluster(client, cluster)["id"] if cluster else None
        reply: Any = client.droplets.create(name=name, cluster_id=ident, **wishes)
        if follow.finish(client, reply, waiting, f"create {name}"):
            reply = {**reply, "droplet": client.droplets.get(reply["droplet"]["id"])["droplet"]}
        options.one(DROPLET, reply, "droplet")


def delete_droplet(
    droplet: DropletRef,
    /,
    *,
    yes: bool = False,
    waiting: Waiting = NO_WAIT,
    options: Options = DEFAULTS,
) -> None:
    """Drain and destroy a droplet.

    Args:
        yes: Do not ask.
    """
    with options.client() as client:
        found = resolve.droplet(client, droplet)
        confirm.yes_or_no(f"Destroy droplet {found['name']} ({found['id']})?", yes=yes)
        reply = client.droplets.delete(found["id"])
        follow.finish(client, reply, waiting, f"delete {found['name']}")
        options.one(DROPLET, reply, "droplet")


def list_orphans(*, options: Options = DEFAULTS) -> None:
    """List machines of ours that no droplet knows of."""
    with options.client() as client:
        options.rows(ORPHAN, client.droplets.orphans().get("orphans") or [])


def adopt_orphan(ref: str, /, *, options: Options = DEFAULTS) -> None:
    """Make a droplet of an orphan.

    Args:
        ref: Which machine, as `droplet orphans` names it.
    """
    with options.client() as client:
        options.body(client.droplets.adopt(ref))


def destroy_orphan(ref: str, /, *, yes: bool = False, options: Options = DEFAULTS) -> None:
    """Destroy an orphan.

    Args:
        ref: Which machine, as `droplet orphans` names it.
        yes: Do not ask.
    """
    confirm.yes_or_no(f"Destroy machine {ref}?", yes=yes)
    with options.client() as client:
        options.body(client.droplets.destroy_orphan(ref))


def exec_in_droplet(
    droplet: DropletRef,
    /,
    *command: Annotated[str, Parameter(allow_leading_hyphen=True, help="What to run, after --.")],
    detach: bool = False,
    data_dir: Path | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Run a command inside a local droplet: `droplet exec web-1 -- ps aux`. Its exit code is ours.

    Args:
        detach: Leave it running and come back at once.
        data_dir: The server's data directory (CLUSTERGENIE_DATA_DIR).
    """
    if not command:
        raise Usage("Say what to run, after two dashes: droplet exec web-1 -- uptime.")
    try:
        with options.client() as client:
            ident = resolve.droplet(client, droplet)["id"]
    except ClientError:
        if not droplet.startswith("droplet-"):
            raise
        ident = droplet  # the machine lives on without its server
    with starting():
        answer = borrow("enter_detached" if detach else "enter")(data_dir_of(data_dir), ident, list(command))
    if detach:
        output.note(f"Running in {droplet} as pid {answer}.")
        return 0
    return int(answer)
