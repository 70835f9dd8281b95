"""The nouns of the API and their verbs; every reply is the API's body, unchanged."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast

from clustergenie.client.models import (
    Cluster,
    ClusterReply,
    Droplet,
    DropletReply,
    Event,
    Job,
    JobReply,
    Json,
    Schedule,
    ScheduleReply,
)
from clustergenie.client.stream import Message, listen
from clustergenie.client.transport import Query, Transport

PAGE_SIZE = 100
Points = list[Json]


def without_none(**fields: object) -> Json:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


class Resource:
    """A collection of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(self, method: str, path: str, *, query: Query | None = None, body: object = None) -> Any:
        return self._transport.request(method, path, query=query, body=body).json()

    def _all(self, path: str, key: str, query: Mapping[str, object], limit: int | None) -> Iterator[Any]:
        """Every item of a collection, page by page by cursor, fetched as they are consumed."""
        left = limit if limit is not None else -1
        cursor: str | None = None
        while left != 0:
            size = min(PAGE_SIZE, left) if left > 0 else PAGE_SIZE
            page = self._call("GET", path, query={"page_size": size, **query, "cursor": cursor})
            for item in page.get(key) or []:
                yield item
                left -= 1
                if left == 0:
                    return
            cursor = page.get("next_cursor")
            if not cursor:
                return


class Clusters(Resource):
    """Named sets of droplets."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Cluster]:
        """All clusters; filters: status, region, q, sort_by, sort_dir."""
        return self._all("/clusters", "clusters", filters, limit)

    def get(self, cluster_id: str) -> ClusterReply:
        """One cluster; raises NotFound."""
        return cast(ClusterReply, self._call("GET", f"/clusters/{cluster_id}"))

    def create(self, *, name: str, **fields: object) -> ClusterReply:
        """Create a cluster; fields: region, provider, size, image, wanted_size."""
        return cast(ClusterReply, self._call("POST", "/clusters", body=without_none(name=name, **fields)))

    def update(self, cluster_id: str, **fields: object) -> ClusterReply:
        """Change name, wanted_size, size…; `revision` makes it a compare-and-set (Conflict when it moved on)."""
        return cast(ClusterReply, self._call("PUT", f"/clusters/{cluster_id}", body=without_none(**fields)))

    def delete(self, cluster_id: str, *, on_conflict: str | None = None) -> ClusterReply:
        """Delete a cluster and its droplets; the job in the reply does the work."""
        return cast(ClusterReply, self._call("DELETE", f"/clusters/{cluster_id}", query={"on_conflict": on_conflict}))

    def provision(self, cluster_id: str, *, count: int = 1, **parameters: object) -> JobReply:
        """Order `count` more droplets for a cluster."""
        wanted = without_none(cluster_id=cluster_id, count=count, **parameters)
        return Jobs(self._transport).create("provision", wanted)

    def scale(self, cluster_id: str, target_size: int, *, on_conflict: str | None = None) -> JobReply:
        """Bring a cluster to `target_size` droplets."""
        wanted = {"cluster_id": cluster_id, "target_size": target_size}
        return Jobs(self._transport).create("scale", wanted, on_conflict=on_conflict)

    def health(self, cluster_id: str) -> Json:
        """How a cluster is, droplet by droplet, with the reasons."""
        return cast(Json, self._call("GET", f"/health/{cluster_id}"))

    def diagnose(self, cluster_id: str) -> Json:
        """What is wrong with a cluster: insights, recommendations, findings with evidence."""
        return cast(Json, self._call("POST", "/diagnosis/diagnose", body={"cluster_id": cluster_id}))


class Droplets(Resource):
    """Machines."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Droplet]:
        """All droplets; filters: cluster_id, status, provider, region, q."""
        return self._all("/droplets", "droplets", filters, limit)

    def get(self, droplet_id: str) -> DropletReply:
        """One droplet; raises NotFound."""
        return cast(DropletReply, self._call("GET", f"/droplets/{droplet_id}"))

    def create(self, *, name: str, **fields: object) -> DropletReply:
        """Ask for one droplet; fields: cluster_id, region, size, image, provider."""
        return cast(DropletReply, self._call("POST", "/droplets", body=without_none(name=name, **fields)))

    def delete(self, droplet_id: str) -> DropletReply:
        """Drain and destroy a droplet."""
        return cast(DropletReply, self._call("DELETE", f"/droplets/{droplet_id}"))

    def orphans(self) -> Json:
        """Machines that are ours and that no droplet knows of."""
        return cast(Json, self._call("GET", "/droplets/orphans"))

    def adopt(self, ref: str) -> Json:
        """Make a droplet of an orphan."""
        return cast(Json, self._call("POST", f"/droplets/orphans/{ref}/adopt"))

    def destroy_orphan(self, ref: str) -> Json:
        """Destroy an orphan."""
        return cast(Json, self._call("POST", f"/droplets/orphans/{ref}/destroy"))


class Jobs(Resource):
    """Durable work."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Job]:
        """All jobs; filters: cluster_id, type, status, trace_id."""
        return self._all("/jobs", "jobs", filters, limit)

    def get(self, job_id: str) -> JobReply:
        """One job; raises NotFound."""
        return cast(JobReply, self._call("GET", f"/jobs/{job_id}"))

    def create(
        self, type: str, parameters: Mapping[str, Any], *, idempotency_key: str | None = None, **options: object
    ) -> JobReply:
        """Ask for a job; options: priority, run_at, max_attempts, on_conflict, unique_key.

        Without an `idempotency_key` one is made up for this call, so that its retries cannot ask twice.
        """
        body = {"type": type, "parameters": dict(parameters), **without_none(**options)}
        headers = {"Idempotency-Key": idempotency_key or os.urandom(16).hex()}
        return cast(JobReply, self._transport.request("POST", "/jobs", body=body, headers=headers).json())

    def cancel(self, job_id: str) -> JobReply:
        """Ask a job to stop."""
        return cast(JobReply, self._call("POST", f"/jobs/{job_id}/cancel"))

    def retry(self, job_id: str) -> JobReply:
        """Run a job that ended once more."""
        return cast(JobReply, self._call("POST", f"/jobs/{job_id}/retry"))

    def attempts(self, job_id: str) -> Json:
        """Every attempt of a job, with its outcome."""
        return cast(Json, self._call("GET", f"/jobs/{job_id}/attempts"))

    def events(self, job_id: str, *, limit: int | None = None) -> Iterator[Event]:
        """What happened in a job, in order."""
        return self._all(f"/jobs/{job_id}/events", "events", {}, limit)


class Schedules(Resource):
    """Jobs asked for by the clock."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Schedule]:
        """All schedules."""
        return self._all("/schedules", "schedules", filters, limit)

    def get(self, schedule_id: str) -> ScheduleReply:
        """One schedule; raises NotFound."""
        return cast(ScheduleReply, self._call("GET", f"/schedules/{schedule_id}"))

    def create(self, **fields: object) -> ScheduleReply:
        """Create one; fields: name, cron, time_zone, type, parameters, misfire, paused."""
        return cast(ScheduleReply, self._call("POST", "/schedules", body=without_none(**fields)))

    def update(self, schedule_id: str, **fields: object) -> ScheduleReply:
        """Change one."""
        return cast(ScheduleReply, self._call("PUT", f"/schedules/{schedule_id}", body=without_none(**fields)))

    def delete(self, schedule_id: str) -> Json:
        """Delete one."""
        return cast(Json, self._call("DELETE", f"/schedules/{schedule_id}"))


class Events(Resource):
    """What happened, and what is happening."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Event]:
        """The history; filters: cluster_id, job_id, droplet_id, trace_id, type."""
        return self._all("/events", "events", filters, limit)

    def stream(
        self, *, last_event_id: str | None = None, idle_seconds: float = 60.0, **filters: object
    ) -> Iterator[Message]:
        """Live events, across reconnects, resumed by id; a `resync` message says that some were missed for good."""
        return listen(self._transport, filters, last_event_id, idle_seconds)

    def dead_letters(self, *, limit: int | None = None) -> Iterator[Json]:
        """Events that no consumer could take."""
        return self._all("/events/dead-letters", "dead_letters", {}, limit)

    def replay(self, dead_letter_id: str) -> Json:
        """Hand a dead letter to its consumer once more."""
        return cast(Json, self._call("POST", f"/events/dead-letters/{dead_letter_id}/replay"))


class Metrics(Resource):
    """Measurements."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Json]:
        """Points; filters: cluster_id, droplet_id, type, from, to, step."""
        return self._all("/metrics", "metrics", filters, limit)

    def post(self, points: Points) -> Json:
        """Store points: cluster_id or droplet_id, type, value, and unit and timestamp if you have them."""
        return cast(Json, self._call("POST", "/metrics", body={"metrics": points}))


class Keys(Resource):
    """API keys; for admins of all clusters."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Json]:
        """All keys but revoked ones; filters: status, sort_by, sort_dir."""
        return self._all("/auth/keys", "keys", filters, limit)

    def get(self, key_id: str) -> Json:
        """One key, without its secret; raises NotFound."""
        return cast(Json, self._call("GET", f"/auth/keys/{key_id}"))

    def create(self, **fields: object) -> Json:
        """Make one; fields: name, grants, expires_at. `secret` in the reply is shown this once."""
        return cast(Json, self._call("POST", "/auth/keys", body=without_none(**fields)))

    def update(self, key_id: str, **fields: object) -> Json:
        """Change name, grants or expires_at."""
        return cast(Json, self._call("PUT", f"/auth/keys/{key_id}", body=fields))

    def rotate(self, key_id: str) -> Json:
        """Another secret, in the reply; the one before is worth nothing from now on."""
        return cast(Json, self._call("POST", f"/auth/keys/{key_id}/rotate"))

    def revoke(self, key_id: str) -> Json:
        """End a key, for good."""
        return cast(Json, self._call("DELETE", f"/auth/keys/{key_id}"))


class Sessions(Resource):
    """Browsers that are logged in."""

    def list(self, *, limit: int | None = None, **filters: object) -> Iterator[Json]:
        """All of them, or one's own."""
        return self._all("/auth/sessions", "sessions", filters, limit)

    def revoke(self, session_id: str) -> Json:
        """Log one out."""
        return cast(Json, self._call("DELETE", f"/auth/sessions/{session_id}"))
