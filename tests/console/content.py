"""Put something to look at into a server: clusters in good and bad shape, jobs of every kind, and their events."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.live_server import Api
from tests.waiting import poll_until


class Content(NamedTuple):
    """What is there, by id."""

    cluster: str
    droplet: str
    done: str
    failed: str
    diagnosis: str
    schedule: str

    def at(self, route: str) -> str:
        """The address of a route on this content."""
        return route.format(**self._asdict())


PAGES = [
    "/",
    "/clusters",
    "/droplets",
    "/jobs",
    "/schedules",
    "/diagnosis",
    "/monitoring",
    "/events",
    "/observability",
    "/limits",
    "/access",
    "/audit",
    "/settings",
]
READING = [
    *PAGES,
    "/clusters?create=true",
    "/clusters/{cluster}",
    *(f"/clusters/{{cluster}}?tab={tab}" for tab in ("jobs", "events", "settings")),
    "/droplets?open={droplet}",
    "/droplets?create=true",
    "/droplets?view=orphans",
    "/schedules?create=true",
    "/schedules?edit={schedule}",
    "/limits?create=true",
    "/limits?edit=jobs_create:user",
    *(f"/access?tab={tab}" for tab in ("sessions", "roles")),
    "/access?create=true",
    "/jobs/{done}",
    "/diagnosis?cluster={cluster}&id={diagnosis}",
]
"""One route for each page, and each part of one, that reads something of its own."""
ROUTES = [
    *READING,
    "/clusters?q=nothing-is-called-so",
    *(f"/clusters/{{cluster}}?act={act}" for act in ("scale", "provision", "delete")),
    "/jobs/{failed}",
    "/monitoring?droplet={droplet}",
    "/there/is/no/such/page",
]
"""Every page with something on it, in each state that an address can name."""
SMALL = "s-1vcpu-512mb-10gb"


def ended(api: Api, answer: Any) -> Any:
    """The job of an answer, once it has ended."""
    return api.job(answer["job"]["id"])


def fill(api: Api) -> Content:
    """A healthy cluster of local droplets, a large simulated one, and what happens to them."""
    web = api.post("/clusters", {"name": "web", "size": SMALL, "wanted_size": 3})
    done = ended(api, web)
    cluster_id = web["cluster"]["id"]
    ended(api, api.post("/clusters", {"name": "workers", "provider": "simulated", "wanted_size": 40}))
    api.post("/clusters", {"name": "spare"})
    ended(api, api.post("/droplets", {"name": "bastion", "size": SMALL}))
    failed = fail_one(api)
    for _ in range(3):
        ended(api, api.post("/jobs", {"type": "noop", "parameters": {}}))
    droplet_id = api.everything("droplets", f"&cluster_id={cluster_id}")[0]["id"]
    poll_until(lambda: api.get(f"/droplets/{droplet_id}")["droplet"]["metrics"])
    found = api.post("/diagnosis/diagnose", {"cluster_id": cluster_id})
    nightly = {"name": "nightly look", "cron": "0 3 * * *", "time_zone": "Europe/Berlin", "type": "noop"}
    schedule = api.post("/schedules", nightly)["schedule"]
    limit = {"name": "jobs_create", "scope": "user", "refill_rate": 500, "capacity": 5000}
    api.post("/observability/ratelimit/config", limit)
    return Content(cluster_id, droplet_id, done["id"], failed["id"], found["id"], schedule["id"])


def fail_one(api: Api) -> Any:
    """A job whose cluster is gone by the time it runs."""
    cluster_id = api.post("/clusters", {"name": "short-lived"})["cluster"]["id"]
    soon = datetime.now(UTC) + timedelta(seconds=3)
    body = {"type": "diagnose", "parameters": {"cluster_id": cluster_id}, "run_at": soon.isoformat(), "max_attempts": 1}
    job_id = api.post("/jobs", body)["job"]["id"]
    ended(api, api.delete(f"/clusters/{cluster_id}?on_conflict=replace"))
    return api.job(job_id)
