"""Destroy many droplets, or settle many orphans, in one call."""

import asyncio
from typing import Literal

import msgspec

from clustergenie.droplets import destroy, orphans
from clustergenie.droplets.fleet import Fleet
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.http.bulk import Outcome
from clustergenie.providers import Throttled


class DropletsAct(msgspec.Struct, forbid_unknown_fields=True):
    """What to do to which droplets."""

    action: Literal["destroy"]
    ids: web.Ids


class OrphansAct(msgspec.Struct, forbid_unknown_fields=True):
    """What to do to which orphans."""

    action: Literal["adopt", "destroy"]
    refs: web.Ids


@web.post("/droplets/bulk", allow=web.OPERATOR, scoped=True, status_code=200, tags=["droplets"])
async def act_on_droplets(db: Database, data: DropletsAct) -> web.BulkReply:
    """Drain and delete up to 100 droplets; their clusters want as many fewer. Each is decided alone."""

    async def one(droplet_id: str) -> Outcome:
        _, job = await db.write(destroy.request, droplet_id)
        return Outcome("deleting", job.id)

    return await web.each(data.ids, one)


@web.post("/droplets/orphans/bulk", allow=web.OPERATOR, raises=[Throttled], status_code=200, tags=["droplets"])
async def act_on_orphans(db: Database, fleet: Fleet, data: OrphansAct) -> web.BulkReply:
    """Adopt or end up to 100 orphans; each is decided alone."""
    found = {orphan.ref: orphan for orphan in await orphans.find(db, fleet)}
    gates = {name: asyncio.Semaphore(driver.concurrency) for name, driver in fleet.drivers.items()}

    async def one(ref: str) -> Outcome:
        orphan = orphans.known(found, ref)
        async with gates[orphan.provider]:
            if data.action == "adopt":
                return Outcome("adopted", (await orphans.adopt(db, fleet, orphan)).job_id)
            await orphans.destroy(db, fleet, orphan)
            return Outcome("destroyed")

    return await web.each(data.refs, one)


routes = [act_on_droplets, act_on_orphans]
