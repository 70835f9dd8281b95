"""Droplets over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar.params import FromPath, Parameter

from clustergenie import placement
from clustergenie.droplets import destroy, orphans, provision, service
from clustergenie.droplets.agent_routes import routes as agent_routes
from clustergenie.droplets.bulk import routes as bulk_routes
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.membership import NoSuchCluster
from clustergenie.droplets.models import Droplet, DropletLeaving, DropletNameTaken, DropletNotFound, DropletSpec, Slug
from clustergenie.droplets.orphans import Orphan, OrphanNotFound
from clustergenie.droplets.placing import ProviderSilent, Unplaceable
from clustergenie.jobs import Job
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.errors import Conflict
from clustergenie.providers import Catalog, Throttled, UnknownProvider


class DropletReply(msgspec.Struct):
    """A droplet, the job that is at work on it, and what became of the request."""

    droplet: Droplet
    message: str
    job: Job | None = None


class DropletList(msgspec.Struct):
    """A page of droplets."""

    droplets: list[Droplet]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


class OrphanList(msgspec.Struct):
    """Every orphan, and what they cost together per hour."""

    orphans: list[Orphan]
    hourly_usd_micros: int


class OrphanReply(msgspec.Struct):
    """What became of an orphan."""

    message: str
    orphan: Orphan | None = None
    droplet: Droplet | None = None


class ProviderList(msgspec.Struct):
    """The providers that are configured."""

    providers: list[dict[str, Any]]


class Schedule(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be placed; nothing is ordered."""

    provider: Slug | None = None
    region: Slug | None = None
    size: Slug | None = None
    image: Slug | None = None


class Candidates(msgspec.Struct):
    """Every offer with its score and reasons, best first; `chosen` is null if none fits."""

    candidates: list[placement.Candidate]
    chosen: placement.Candidate | None


@web.post(
    "/droplets",
    allow=web.OPERATOR,
    scoped=True,
    raises=[NoSuchCluster, DropletNameTaken, Conflict, Unplaceable, ProviderSilent],
    tags=["droplets"],
)
async def create_droplet(db: Database, fleet: Fleet, data: DropletSpec) -> DropletReply:
    """Ask for a droplet; follow its provisioning by the job in the reply."""
    droplet, job = await db.write(provision.request, fleet, data)
    return DropletReply(droplet, "created", job)


@web.get("/droplets", allow=web.VIEWER, scoped=True, tags=["droplets"])
async def list_droplets(
    db: Database,
    paging: web.Paging,
    cluster_id: Annotated[str | None, Parameter(max_length=64)] = None,
    status: Annotated[str | None, Parameter(max_length=16, description=", ".join(service.STATUSES))] = None,
    provider: Annotated[str | None, Parameter(max_length=64)] = None,
    region: Annotated[str | None, Parameter(max_length=64)] = None,
    q: Annotated[str | None, Parameter(max_length=255, description="Part of the name.")] = None,
) -> DropletList:
    """List droplets, newest first unless asked otherwise; deleted ones only with `status=deleted`."""
    found = await db.read(service.page, service.DropletFilter(cluster_id, status, provider, region, q), paging)
    return DropletList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/droplets/counts", allow=web.VIEWER, scoped=True, tags=["droplets"])
async def count_droplets(
    db: Database,
    cluster_id: Annotated[str | None, Parameter(max_length=64)] = None,
    provider: Annotated[str | None, Parameter(max_length=64)] = None,
    region: Annotated[str | None, Parameter(max_length=64)] = None,
    q: Annotated[str | None, Parameter(max_length=255, description="Part of the name.")] = None,
) -> web.Counts:
    """How many droplets there are of each status but `deleted`."""
    return await db.read(service.counts_by_status, service.DropletFilter(cluster_id, None, provider, region, q))


@web.get("/droplets/orphans", allow=web.VIEWER, raises=[Throttled], tags=["droplets"])
async def list_orphans(db: Database, fleet: Fleet) -> OrphanList:
    """Machines of this installation that no droplet accounts for, with what they cost."""
    found = await orphans.find(db, fleet)
    return OrphanList(found, sum(orphan.hourly_usd_micros for orphan in found))


@web.post(
    "/droplets/orphans/{ref:str}/adopt",
    allow=web.OPERATOR,
    raises=[OrphanNotFound, Conflict, Throttled],
    status_code=200,
    tags=["droplets"],
)
async def adopt_orphan(db: Database, fleet: Fleet, ref: FromPath[str]) -> OrphanReply:
    """Make an orphan a droplet again."""
    return OrphanReply("adopted", droplet=await orphans.adopt(db, fleet, await orphans.get(db, fleet, ref)))


@web.post(
    "/droplets/orphans/{ref:str}/destroy",
    allow=web.OPERATOR,
    raises=[OrphanNotFound, Throttled],
    status_code=200,
    tags=["droplets"],
)
async def destroy_orphan(db: Database, fleet: Fleet, ref: FromPath[str]) -> OrphanReply:
    """End an orphan."""
    orphan = await orphans.get(db, fleet, ref)
    await orphans.destroy(db, fleet, orphan)
    return OrphanReply("destroyed", orphan=orphan)


@web.get("/droplets/{droplet_id:str}", allow=web.VIEWER, scoped=True, raises=[DropletNotFound], tags=["droplets"])
async def get_droplet(db: Database, droplet_id: FromPath[str]) -> DropletReply:
    """One droplet with what its agent last measured."""
    return DropletReply(await db.read(service.get, droplet_id), "ok")


@web.delete(
    "/droplets/{droplet_id:str}",
    allow=web.OPERATOR,
    scoped=True,
    raises=[DropletNotFound, DropletLeaving],
    status_code=202,
    tags=["droplets"],
)
async def delete_droplet(db: Database, droplet_id: FromPath[str]) -> DropletReply:
    """Drain and delete a droplet; its cluster wants one fewer."""
    droplet, job = await db.write(destroy.request, droplet_id)
    return DropletReply(droplet, "deleting", job)


@web.get("/providers", allow=web.VIEWER, tags=["placement"])
async def list_providers(fleet: Fleet) -> ProviderList:
    """The providers, how many droplets each carries, and what they say of themselves."""
    return ProviderList(
        [
            {
                "name": name,
                "kind": driver.kind,
                "default": name == fleet.default_provider,
                "droplets": fleet.in_use.get(name, 0),
                "note": fleet.catalog(name).note,
            }
            for name, driver in fleet.drivers.items()
        ]
    )


@web.get("/providers/{name:str}/catalog", allow=web.VIEWER, raises=[UnknownProvider], tags=["placement"])
async def get_catalog(fleet: Fleet, name: FromPath[str]) -> Catalog:
    """The regions, sizes with prices, and images of a provider."""
    return fleet.catalog(name)


@web.post("/schedule", allow=web.VIEWER, status_code=200, tags=["placement"])
async def schedule(fleet: Fleet, data: Schedule) -> Candidates:
    """Where a droplet like this would go, and why not elsewhere."""
    wish = placement.Wish(
        provider=data.provider,
        region=data.region,
        size=data.size,
        image=data.image,
        default_provider=fleet.default_provider,
    )
    ranked = placement.rank(wish, fleet.offers())
    return Candidates(ranked, placement.choose(wish, fleet.offers()))


for_agents = agent_routes
routes = [
    create_droplet,
    list_droplets,
    count_droplets,
    list_orphans,
    adopt_orphan,
    destroy_orphan,
    get_droplet,
    delete_droplet,
    list_providers,
    get_catalog,
    schedule,
    *bulk_routes,
    *agent_routes,
]
