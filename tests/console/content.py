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

    def routes(self) -> list[str]:
        """Every page with something on it, in each state that an address can name."""
        cluster = f"/clusters/{self.cluster}"
        return [
            *PAGES,
            "/clusters?create=true",
            "/clusters?q=nothing-is-called-so",
            cluster,
            *(f"{cluster}?tab={tab}" for tab in ("jobs", "events", "settings")),
            *(f"{cluster}?act={act}" for act in ("scale", "provision", "delete")),
            f"/droplets?open={self.droplet}",
            "/droplets?create=true",
            "/droplets?view=orphans",
            f"/jobs/{self.done}",
            f"/jobs/{self.failed}",
            f"/diagnosis?cluster={self.cluster}&id={self.diagnosis}",
            f"/monitoring?droplet={self.droplet}",
            "/there/is/no/such/page",
        ]


PAGES = ["/", "/clusters", "/droplets", "/jobs", "/diagnosis", "/monitoring", "/events", "/observability", "/settings"]
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
    poll_until(lambda: api.get(f"/droplets/{droplet_id}")["droplet"]["metrics"], 30)
    found = api.post("/diagnosis/diagnose", {"cluster_id": cluster_id})
    return Content(cluster_id, droplet_id, done["id"], failed["id"], found["id"])


def fail_one(api: Api) -> Any:
    """A job whose cluster is gone by the time it runs."""
    cluster_id = api.post("/clusters", {"name": "short-lived"})["cluster"]["id"]
    soon = datetime.now(UTC) + timedelta(seconds=3)
    body = {"type": "diagnose", "parameters": {"cluster_id": cluster_id}, "run_at": soon.isoformat(), "max_attempts": 1}
    job_id = api.post("/jobs", body)["job"]["id"]
    ended(api, api.delete(f"/clusters/{cluster_id}?on_conflict=replace"))
    return api.job(job_id)
