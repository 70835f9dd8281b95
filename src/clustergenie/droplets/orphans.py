"""Machines of ours that no droplet accounts for: shown with their price, adopted or destroyed by a person."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from clustergenie import auth, jobs
from clustergenie.droplets import service
from clustergenie.droplets.enroll import TOKEN_LIFE, digest
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.models import Droplet
from clustergenie.droplets.provision import PROVISION, Provision
from clustergenie.droplets.tables import agents, droplets
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import NotFound
from clustergenie.platform.telemetry import trace_id
from clustergenie.providers import Machine


class OrphanNotFound(NotFound):
    """There is no orphaned machine with this reference."""


class Orphan(msgspec.Struct, kw_only=True):
    """A machine that costs money and belongs to no droplet."""

    ref: str
    droplet_id: str
    provider: str
    name: str
    region: str
    size: str
    ip_address: str | None
    created_at: dt.datetime
    hourly_usd_micros: int


async def find(db: Database, fleet: Fleet) -> list[Orphan]:
    """Every orphan of every provider that answers."""
    machines, _silent = await fleet.machines()
    found = [machine for several in machines.values() for machine in several]
    known = await db.read(_known, [machine.droplet_id for machine in found])
    return [_orphan(machine) for machine in found if machine.droplet_id not in known]


async def get(db: Database, fleet: Fleet, ref: str) -> Orphan:
    """Raises OrphanNotFound."""
    return known({orphan.ref: orphan for orphan in await find(db, fleet)}, ref)


async def destroy(db: Database, fleet: Fleet, orphan: Orphan) -> None:
    """End an orphan; that it was asked for is noted first. Raises what the provider answers."""
    await db.write(auth.audit, "orphan.destroy", orphan.ref, before=orphan)
    await fleet.driver(orphan.provider).destroy(orphan.ref)


async def adopt(db: Database, fleet: Fleet, orphan: Orphan) -> Droplet:
    """Make an orphan a droplet again, under the id on its tag; a provision job lets its agent in.

    Raises OrphanNotFound if somebody else did so meanwhile.
    """
    machine = await fleet.driver(orphan.provider).get(orphan.ref)
    return await db.write(_adopt, fleet, machine)


def known(found: Mapping[str, Orphan], ref: str) -> Orphan:
    """The one of these with the reference. Raises OrphanNotFound."""
    if (orphan := found.get(ref)) is not None:
        return orphan
    raise OrphanNotFound(f"There is no orphaned machine {ref!r}; GET /api/v1/droplets/orphans lists them.")


def _known(tx: Tx, droplet_ids: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(droplet_ids), 500):
        query = select(droplets.c.id).where(droplets.c.id.in_(droplet_ids[start : start + 500]))
        found.update(tx.execute(query).scalars())
    return found


def _adopt(tx: Tx, fleet: Fleet, machine: Machine) -> Droplet:
    trace = trace_id()
    row: dict[str, Any] = {
        "id": machine.droplet_id,
        "cluster_id": None,
        "name": machine.name,
        "live_name": f"/{machine.name}#{machine.droplet_id}",
        "region": machine.region,
        "provider": machine.provider,
        "size": machine.size,
        "image": machine.image,
        "status": "pending",
        "status_reason": "adopted; waiting for its agent",
        "ip_address": machine.address,
        "port": machine.port,
        "machine_ref": machine.ref,
        "hourly_usd_micros": machine.hourly_usd_micros,
        "job_id": None,
        "trace_id": trace,
        "version": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    try:
        tx.execute(insert(droplets), row)
    except IntegrityError as clash:
        raise OrphanNotFound(f"{machine.ref} has been adopted by somebody else meanwhile.") from clash
    if tx.execute(select(agents.c.droplet_id).where(agents.c.droplet_id == machine.droplet_id)).first() is None:
        token_hash = digest(fleet.tokens.token(machine.droplet_id))
        tx.execute(
            insert(agents),
            {"droplet_id": machine.droplet_id, "token_hash": token_hash, "token_expires_at": tx.now + TOKEN_LIFE},
        )
    tx.emit(service.event("droplet_created", row, 1, f"{machine.name} adopted"))
    auth.audit(tx, "orphan.adopt", machine.droplet_id, after=_orphan(machine))
    job = jobs.enqueue(tx, PROVISION, Provision(droplet_id=machine.droplet_id), trace=trace)
    service.belongs_to(tx, [machine.droplet_id], job.id)
    return service.get(tx, machine.droplet_id)


def _orphan(machine: Machine) -> Orphan:
    return Orphan(
        ref=machine.ref,
        droplet_id=machine.droplet_id,
        provider=machine.provider,
        name=machine.name,
        region=machine.region,
        size=machine.size,
        ip_address=machine.address,
        created_at=machine.created_at,
        hourly_usd_micros=machine.hourly_usd_micros,
    )
