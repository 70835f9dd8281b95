"""Put remedies into words, command lines and requests. They are suggestions; nothing here acts."""

import shlex

from clustergenie.clusters import Cluster
from clustergenie.diagnosis.models import Call, Case, Remedy


def look_again(cluster: Cluster, action: str) -> Remedy:
    """Probe the droplets once more."""
    return Remedy(
        action=action,
        command=f"clustergenie monitor {_name(cluster)}",
        api=Call(method="POST", path="/api/v1/jobs", body=_job("monitor", cluster_id=cluster.id)),
        dry_run=f"would probe the {cluster.active} active droplets of {cluster.name} and change nothing",
    )


def see_health(cluster: Cluster, action: str) -> Remedy:
    """Look, and do nothing."""
    return Remedy(
        action=action,
        command=f"clustergenie health {_name(cluster)}",
        api=Call(method="GET", path=f"/api/v1/health/{cluster.id}"),
        dry_run="changes nothing",
    )


def see_losses(cluster: Cluster, action: str) -> Remedy:
    """Read what was lost, and why."""
    return Remedy(
        action=action,
        command=f"clustergenie events list --cluster {_name(cluster)} --type droplet_lost",
        api=Call(method="GET", path=f"/api/v1/events?cluster_id={cluster.id}&type=droplet_lost"),
        dry_run="changes nothing",
    )


def see_job(job_id: str, action: str) -> Remedy:
    """Read what a job tried."""
    return Remedy(
        action=action,
        command=f"clustergenie job attempts {shlex.quote(job_id)}",
        api=Call(method="GET", path=f"/api/v1/jobs/{job_id}/attempts"),
        dry_run="changes nothing",
    )


def see_droplet(droplet_id: str, action: str) -> Remedy:
    """Read why one droplet is as it is."""
    return Remedy(
        action=action,
        command=f"clustergenie droplet get {shlex.quote(droplet_id)}",
        api=Call(method="GET", path=f"/api/v1/droplets/{droplet_id}"),
        dry_run="changes nothing",
    )


def bring_to_size(cluster: Cluster, action: str) -> Remedy:
    """Ask for the wanted size again."""
    body = _job("scale", cluster_id=cluster.id, target_size=cluster.wanted_size)
    return Remedy(
        action=action,
        command=f"clustergenie cluster scale {_name(cluster)} {cluster.wanted_size}",
        api=Call(method="POST", path="/api/v1/jobs", body=body),
        dry_run=f"would order what is missing of the {cluster.wanted_size} wanted droplets",
    )


def add_one(cluster: Cluster, action: str) -> Remedy:
    """One more droplet to share the load."""
    body = _job("scale", cluster_id=cluster.id, action="scale_up", by=1)
    return Remedy(
        action=action,
        command=f"clustergenie cluster scale {_name(cluster)} --by 1",
        api=Call(method="POST", path="/api/v1/jobs", body=body),
        dry_run=f"would raise the wanted size from {cluster.wanted_size} to {cluster.wanted_size + 1}",
    )


def larger_size(case: Case, size: str, action: str) -> Remedy:
    """The next larger size for droplets to come; one more droplet if there is no larger one."""
    cluster, larger = case.health.cluster, case.larger.get(size)
    if larger is None:
        return add_one(cluster, f"{action}, by more droplets, as there is no size above {size}")
    return Remedy(
        action=f"{action}, by a larger size for the droplets of {cluster.name}",
        command=f"clustergenie cluster update {_name(cluster)} --size {shlex.quote(larger)}",
        api=Call(method="PUT", path=f"/api/v1/clusters/{cluster.id}", body={"size": larger}),
        dry_run=f"would order droplets as {larger} instead of {size} from now on; those that are there keep their size",
    )


def more_workers(action: str) -> Remedy:
    """More slots for jobs."""
    return Remedy(
        action=action,
        command="CLUSTERGENIE_WORKER_COUNT=32 clustergenie serve",
        api=Call(method="GET", path="/api/v1/observability/workerpool"),
        dry_run="would run up to 32 jobs at once after a restart; what waits is kept",
    )


def _name(cluster: Cluster) -> str:
    return shlex.quote(cluster.name)


def _job(kind: str, **parameters: object) -> dict[str, object]:
    return {"type": kind, "parameters": parameters}
