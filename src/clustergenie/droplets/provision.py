"""The provision job: one or many droplets, from the wish to agents that report."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from clustergenie import auth, jobs
from clustergenie.droplets import destroy, placing, plan, service
from clustergenie.droplets.bring_up import bring_up
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.membership import clusters
from clustergenie.droplets.models import Droplet, DropletSpec, Name, Slug
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Invalid, Problem
from clustergenie.platform.telemetry import trace_id

MOST = 10_000


class Provision(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How many droplets for which cluster; what is left out is taken from the cluster, then chosen by placement."""

    cluster_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    count: Annotated[int, Meta(ge=1, le=MOST)] = 1
    name: Name | None = None
    region: Slug | None = None
    size: Slug | None = None
    image: Slug | None = None
    provider: Slug | None = None
    droplet_id: Annotated[str, Meta(max_length=64)] | None = None


class NothingToProvision(Invalid):
    """The job names neither a cluster nor a name for the droplet."""


class NotToProvision(Invalid):
    """The droplet is not waiting for a job to provision it."""


def _admit(tx: Tx, wanted: Sequence[Provision]) -> list[Problem | None]:
    objections = clusters().objections(tx, sorted({item.cluster_id for item in wanted if item.cluster_id}))
    return [objections.get(item.cluster_id or "") or _objection(tx, item) for item in wanted]


def _objection(tx: Tx, item: Provision) -> Problem | None:
    if item.droplet_id is not None:
        return None if service.unclaimed(tx, item.droplet_id, item.cluster_id) else _not_waiting(item.droplet_id)
    if item.cluster_id is None and item.name is None:
        return NothingToProvision(
            "Name a cluster_id, or a name for a droplet without a cluster.",
            errors=[{"pointer": "/parameters/cluster_id", "detail": "is required without a name"}],
        )
    wish = DropletSpec(item.name or "-", region=item.region, size=item.size, image=item.image, provider=item.provider)
    return placing.objection(wish, "/parameters")


def _not_waiting(droplet_id: str) -> Problem:
    detail = "is for droplets that POST /droplets made; leave it out"
    return NotToProvision(
        f"{droplet_id} is not waiting for a job to provision it.",
        errors=[{"pointer": "/parameters/droplet_id", "detail": detail}],
    )


def _ended(tx: Tx, ended: jobs.Ended) -> None:
    """What the job leaves behind unfinished: failed if it failed; given up, and no longer wanted, if cancelled."""
    if ended.state == "cancelled":
        given_up = destroy.give_up(tx, ended.job_id, "its provisioning was cancelled")
        jobs.forget_steps(tx, ended.job_id)  # undone: tried again, it begins anew
        if given_up and ended.cluster_id is not None:
            clusters().leave(tx, ended.cluster_id, given_up)
    elif ended.state in ("failed", "dead"):
        service.abandon(tx, ended.job_id, ended.error or "its provisioning failed")


PROVISION = jobs.declare(
    jobs.Kind(
        "provision",
        Provision,
        timeout_seconds=1800,
        max_attempts=8,
        lanes=lambda wanted: jobs.Lanes(cluster_id=wanted.cluster_id, droplet_id=wanted.droplet_id),
        admit=_admit,
        ended=_ended,
    )
)


def request(tx: Tx, fleet: Fleet, spec: DropletSpec) -> tuple[Droplet, jobs.Job]:
    """One droplet by name: its row and the job that makes it real, in one commit.

    Raises what its cluster objects to, Unplaceable, DropletNameTaken.
    """
    if spec.cluster_id is None:
        auth.demand(None)
    else:
        spec = _with_defaults(spec, clusters().join(tx, spec.cluster_id, 1))
    trace = trace_id()
    made = service.request_many(
        tx,
        [spec],
        fleet.market(),
        fleet.tokens,
        job_id=None,
        trace_id=trace,
    )
    job = jobs.enqueue(tx, PROVISION, Provision(cluster_id=spec.cluster_id, droplet_id=made[0]), trace=trace)
    service.belongs_to(tx, made, job.id)
    auth.audit(tx, "droplet.create", made[0], cluster_id=spec.cluster_id, after=spec)
    return service.get(tx, made[0]), job


def _with_defaults(spec: DropletSpec, cluster: Any) -> DropletSpec:
    return msgspec.structs.replace(
        spec,
        region=spec.region or cluster.region,
        provider=spec.provider or cluster.provider,
        size=spec.size or cluster.size,
        image=spec.image or cluster.image,
    )


def order_for_cluster(tx: Tx, fleet: Fleet, wanted: Provision, job_id: str, trace: str) -> int:
    """Join the cluster with `count` droplets and note the wish for each; how many. The cluster's wanted size grows."""
    cluster_id = wanted.cluster_id
    if cluster_id is None:
        specs = [DropletSpec(str(name)) for name in _names(wanted, None)]
    else:
        joined = clusters().join(tx, cluster_id, wanted.count, wanted.name)
        specs = [_with_defaults(DropletSpec(name, cluster_id), joined) for name in _names(wanted, joined)]
    return note_wishes(tx, fleet, specs, wanted, job_id, trace)


def note_wishes(tx: Tx, fleet: Fleet, specs: Sequence[DropletSpec], wanted: Provision, job_id: str, trace: str) -> int:
    """Rows for these droplets; what the job's parameters name goes before what the specs say."""
    named = {
        name: value for name in ("region", "size", "image", "provider") if (value := getattr(wanted, name)) is not None
    }
    specs = [msgspec.structs.replace(spec, **named) for spec in specs] if named else specs
    service.request_many(
        tx,
        specs,
        fleet.market(),
        fleet.tokens,
        job_id=job_id,
        trace_id=trace,
    )
    return len(specs)


def _names(wanted: Provision, joined: Any) -> list[str]:
    if wanted.name is not None and wanted.count == 1:
        return [wanted.name]
    first = joined.first_ordinal if joined is not None else 1
    return plan.numbered(joined.name if joined is not None else str(wanted.name), first, wanted.count)


def handler(fleet: Fleet) -> jobs.Handler[Provision]:
    """What does the work."""

    async def run(job: jobs.Running[Provision]) -> dict[str, Any]:
        wanted = job.parameters
        if wanted.droplet_id is None:
            await job.write_step("order", order_for_cluster, fleet, wanted, job.id, job.trace_id)
        await job.write(service.revive, job.id)
        ids = await job.read(service.ids_of_job, job.id)
        if not ids:
            raise jobs.Fail("what it had asked for has been deleted or replaced since; there is nothing left to do")
        return await finish(job, fleet, ids)

    return jobs.Handler(PROVISION, run)


async def finish(job: jobs.Running[Any], fleet: Fleet, ids: list[str]) -> dict[str, Any]:
    """Bring up these droplets; the job's result. Raises Fail when some could not be."""
    outcome = await bring_up(job, fleet, ids)
    if outcome.failed:
        reasons = "; ".join(outcome.reasons)
        raise jobs.Fail(f"{outcome.failed} of {len(ids)} droplets could not be provisioned: {reasons}")
    return {"active": outcome.active, "droplets": ids[:100]}
