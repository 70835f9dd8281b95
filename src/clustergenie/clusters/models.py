"""What a cluster is: as it is asked for, as it is kept, and as it is shown."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clustergenie.clusters import plan
from clustergenie.droplets import Name, NoSuchCluster, Slug
from clustergenie.platform.errors import Conflict

Status = Literal["empty", "provisioning", "healthy", "degraded", "scaling", "deleting", "deleted"]
STATUSES = ("empty", "provisioning", "healthy", "degraded", "scaling", "deleting", "deleted")
Size = Annotated[int, Meta(ge=0, le=10_000)]

ClusterNotFound = NoSuchCluster


class ClusterNameTaken(Conflict):
    """Another cluster has this name."""


class ClusterLeaving(Conflict):
    """The cluster is being deleted."""


class ClusterChanged(Conflict):
    """The cluster was changed by somebody else meanwhile."""


class ClusterBusy(Conflict):
    """Jobs are at work on the cluster."""


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """What every droplet of the cluster must answer, beside its agent: a TCP port, or an HTTP path with 2xx or 3xx."""

    type: Literal["tcp", "http"]
    port: Annotated[int, Meta(ge=1, le=65535)]
    path: Annotated[str, Meta(max_length=1024, pattern=r"^/[\x21-\x7e]*$(?!\n)")] = "/"


class ClusterSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A set of droplets; `region`, `provider`, `size` and `image` are defaults for them."""

    name: Name
    region: Slug | None = None
    provider: Slug | None = None
    size: Slug | None = None
    image: Slug | None = None
    wanted_size: Size = 0
    checks: Annotated[list[Check], Meta(max_length=10)] = []


class ClusterChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be different; what is left out stays. `revision` refuses the change if it is not the current one."""

    name: Name | UnsetType = UNSET
    region: Slug | UnsetType | None = UNSET
    provider: Slug | UnsetType | None = UNSET
    size: Slug | UnsetType | None = UNSET
    image: Slug | UnsetType | None = UNSET
    wanted_size: Size | UnsetType = UNSET
    checks: Annotated[list[Check], Meta(max_length=10)] | UnsetType = UNSET
    revision: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class Cluster(msgspec.Struct, kw_only=True):
    """A cluster as it is shown; `droplets` are the ids of those that are not deleted, oldest first, 1,000 at most."""

    id: str
    name: str
    region: str | None
    provider: str | None
    size: str | None
    image: str | None
    checks: list[dict[str, Any]]
    status: Status
    health: str
    wanted_size: int
    active: int
    droplets: list[str]
    revision: int
    version: int
    trace_id: str
    created_at: dt.datetime
    updated_at: dt.datetime
    last_checked: dt.datetime | None


DROPLETS_SHOWN = 1000


def shown(row: Any, droplet_ids: list[str], counts: Mapping[str, int]) -> Cluster:
    """The public form of a row of `clusters`, as it is this very moment.

    The row's own status is what the last look at the cluster found, a moment ago; lists are filtered by it. What is
    shown is told from the droplets, so that nobody reads "scaling" after the job that scaled has completed.
    """
    values = {name: getattr(row, name) for name in Cluster.__struct_fields__ if name != "droplets"}
    if row.status != "deleted":
        status, health = plan.health(counts, row.wanted_size, deleting=row.status == "deleting")
        values |= {"status": status, "health": health, "active": counts.get("active", 0)}
    return Cluster(**values, droplets=droplet_ids[:DROPLETS_SHOWN])
