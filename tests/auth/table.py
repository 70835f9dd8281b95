"""Who may call which route: every route of the application, and what each kind of caller is answered."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.auth.access import Access

CALLERS = ("anonymous", "viewer", "operator", "admin", "elsewhere", "here", "expired", "revoked", "agent")
"""viewer, operator and admin are so on all clusters; `elsewhere` is admin of another cluster only, and `here` operator
of the one that is asked about. The last three send something that was, or is, good for something."""

Expected = tuple[int, ...]


class Row(NamedTuple):
    """What is sent, and what each of CALLERS is answered."""

    expected: Expected
    body: Any = None
    query: str = ""


def open_to_all(status: int) -> Expected:
    return (status,) * 9


def reads(elsewhere: int, status: int = 200) -> Expected:
    """For who sees the cluster."""
    return (401, status, status, status, elsewhere, status, 401, 401, 401)


def acts(status: int, elsewhere: int = 404) -> Expected:
    """For the operators of the cluster."""
    return (401, 403, status, status, elsewhere, status, 401, 401, 401)


def reads_all(status: int = 200) -> Expected:
    """For who sees all clusters."""
    return (401, status, status, status, 403, 403, 401, 401, 401)


def acts_on_all(status: int) -> Expected:
    """For the operators of all clusters."""
    return (401, 403, status, status, 403, 403, 401, 401, 401)


def admin(status: int) -> Expected:
    return (401, 403, 403, status, 403, 403, 401, 401, 401)


LIMIT = {"name": "matrix", "scope": "global", "capacity": 10, "refill_rate": 1}
MONITOR = {"type": "monitor", "parameters": {"cluster_id": "{cluster_id}"}}
NIGHTLY = {"name": "{unique}", "cron": "0 3 * * *", **MONITOR}
GRANTS = [{"role": "viewer", "clusters": None}]
WRONG = {"token": "cgt_0", "droplet_id": "droplet-0", "nonce": "n"}

API = {
    "GET /clusters": Row(reads(200)),
    "POST /clusters": Row(acts_on_all(201), {"name": "{unique}"}),
    "GET /clusters/counts": Row(reads(200)),
    "GET /clusters/{cluster_id}": Row(reads(404)),
    "PUT /clusters/{cluster_id}": Row(acts(200), {}),
    "DELETE /clusters/{cluster_id}": Row(acts(202)),
    "GET /health/{cluster_id}": Row(reads(404)),
    "POST /droplets": Row(acts(201), {"name": "{unique}", "cluster_id": "{cluster_id}"}),
    "GET /droplets": Row(reads(200)),
    "GET /droplets/counts": Row(reads(200)),
    "POST /droplets/bulk": Row(acts(200, 200), {"action": "destroy", "ids": ["droplet-0"]}),
    "GET /droplets/{droplet_id}": Row(reads(404)),
    "DELETE /droplets/{droplet_id}": Row(acts(202)),
    "GET /droplets/orphans": Row(reads_all()),
    "POST /droplets/orphans/bulk": Row(acts_on_all(200), {"action": "destroy", "refs": ["r"]}),
    "POST /droplets/orphans/{ref}/adopt": Row(acts_on_all(404)),
    "POST /droplets/orphans/{ref}/destroy": Row(acts_on_all(404)),
    "GET /providers": Row(reads_all()),
    "GET /providers/{name}/catalog": Row(reads_all()),
    "POST /schedule": Row(reads_all(), {}),
    "POST /jobs": Row(acts(201), MONITOR),
    "GET /jobs": Row(reads(200)),
    "GET /jobs/counts": Row(reads(200)),
    "POST /jobs/bulk": Row(acts(200, 200), {"action": "cancel", "ids": ["job-0"]}),
    "GET /jobs/{job_id}": Row(reads(404)),
    "GET /jobs/{job_id}/attempts": Row(reads(404)),
    "GET /jobs/{job_id}/events": Row(reads(404)),
    "GET /jobs/{job_id}/steps": Row(reads(404)),
    "POST /jobs/{job_id}/cancel": Row(acts(200)),
    "POST /jobs/{job_id}/retry": Row(acts(409)),
    # A schedule says nothing of whether its cluster is there, so it is refused, not denied.
    "POST /schedules": Row(acts(201, 403), NIGHTLY),
    "GET /schedules": Row(reads(200)),
    "GET /schedules/preview": Row(reads(200), query="?cron=0+3+*+*+*"),
    "GET /schedules/{schedule_id}": Row(reads(404)),
    "PUT /schedules/{schedule_id}": Row(acts(200), NIGHTLY),
    "DELETE /schedules/{schedule_id}": Row(acts(200)),
    "POST /schedules/{schedule_id}/run": Row(acts(201)),
    "GET /metrics": Row(reads(200)),
    "POST /metrics": Row(acts(201), {"metrics": [{"cluster_id": "{cluster_id}", "type": "cpu", "value": 1}]}),
    "POST /diagnosis/diagnose": Row(acts(200), {"cluster_id": "{cluster_id}"}),
    "GET /diagnosis": Row(reads(200)),
    "GET /diagnosis/{diagnosis_id}": Row(reads(404)),
    "GET /events": Row(reads(200)),
    "GET /events/stream": Row(reads(200)),
    "GET /events/dead-letters": Row(reads_all()),
    "POST /events/dead-letters/{dead_letter_id}/replay": Row(acts_on_all(404)),
    "GET /auth/me": Row((*open_to_all(200)[:6], 401, 401, 401)),
    "POST /auth/login": Row(open_to_all(401), {"key": "cg_0"}),
    "POST /auth/logout": Row(open_to_all(200)),
    "POST /auth/setup": Row(open_to_all(401), {"token": "cgu_0"}),
    "GET /auth/roles": Row(reads(200)),
    "GET /audit": Row(admin(200)),
    "POST /auth/keys": Row(admin(201), {"name": "{unique}", "grants": GRANTS}),
    "GET /auth/keys": Row(admin(200)),
    "GET /auth/keys/{key_id}": Row(admin(200)),
    "PUT /auth/keys/{key_id}": Row(admin(200), {}),
    "POST /auth/keys/{key_id}/rotate": Row(admin(200)),
    "DELETE /auth/keys/{key_id}": Row(admin(200)),
    "GET /auth/sessions": Row(reads(200)),
    "DELETE /auth/sessions/{session_id}": Row((401, 404, 404, 200, 404, 404, 401, 401, 401)),  # it is the admin's
    "GET /auth/oidc/login": Row(open_to_all(404)),  # none is set up here
    "GET /auth/oidc/callback": Row(open_to_all(404)),
    "GET /auth/oidc/logout": Row(open_to_all(404)),
    "GET /auth/oidc": Row(admin(200)),
    "PUT /auth/oidc": Row(admin(422), {}),
    "DELETE /auth/oidc": Row(admin(404)),
    "POST /agent/enroll": Row(open_to_all(401), WRONG),
    "POST /agent/heartbeat": Row(
        (401, 401, 401, 401, 401, 401, 401, 401, 200), {"droplet_id": "{agent}", "seq": 1, "boot_id": "b"}
    ),
    "GET /agent/agent.py": Row(open_to_all(200)),
}
BOTH = {
    "GET /observability/workerpool": Row(reads_all()),
    "GET /observability/bus": Row(reads_all()),
    "GET /observability/ratelimit": Row(reads_all(), query="?name=jobs_create&scope_type=user&scope_id=ada"),
    "GET /observability/ratelimit/config": Row(reads_all(), query="?name=jobs_create&scope=user"),
    "GET /observability/ratelimit/config/list": Row(reads_all()),
    "POST /observability/ratelimit/config": Row(admin(200), LIMIT),
    "DELETE /observability/ratelimit/config": Row(admin(404), query="?name=none"),
}
ROOT = {
    "GET /healthz": Row(open_to_all(200)),
    "GET /readyz": Row(open_to_all(200)),
    "GET /metrics": Row(reads_all()),
    "GET /": Row(open_to_all(200)),
    "GET /observability": Row(open_to_all(200)),
    "GET /docs": Row(open_to_all(200)),
    "GET /docs/{name}": Row(open_to_all(404)),
    "GET /openapi.json": Row(open_to_all(200)),
    "GET /api": Row(open_to_all(404)),
    "GET /api/{rest}": Row(open_to_all(404)),
    "GET /observability/{rest}": Row(open_to_all(404)),
    **{f"{method} /{{rest}}": Row(open_to_all(404)) for method in ("POST", "PUT", "DELETE", "PATCH")},
    "GET /{rest}": Row(open_to_all(200)),
}


def _below(prefix: str, rows: dict[str, Row]) -> dict[str, Row]:
    return {route.replace(" ", f" {prefix}", 1): row for route, row in rows.items()}


TABLE: dict[str, Row] = {**_below("/api/v1", {**API, **BOTH}), **BOTH, **ROOT}


def _droplet(access: Access, cluster: str) -> str:
    made: str = access.do("POST", "/droplets", {"name": access.unique(), "cluster_id": cluster})["droplet"]["id"]
    return made


def _job(access: Access, cluster: str) -> str:
    wanted = {"type": "monitor", "parameters": {"cluster_id": cluster}, "run_at": access.tomorrow()}
    made: str = access.do("POST", "/jobs", wanted)["job"]["id"]
    return made


def _schedule(access: Access, cluster: str) -> str:
    wanted = {"name": access.unique(), "cron": "0 3 * * *", "type": "monitor", "parameters": {"cluster_id": cluster}}
    made: str = access.do("POST", "/schedules", wanted)["schedule"]["id"]
    return made


def _diagnosis(access: Access, cluster: str) -> str:
    made: str = access.do("POST", "/diagnosis/diagnose", {"cluster_id": cluster})["id"]
    return made


def _session(access: Access, _cluster: str) -> str:
    answer = access.call("POST", "/auth/login", body={"key": access.admin})
    cookie = answer.headers["set-cookie"].partition(";")[0]
    (own,) = (
        session["id"]
        for session in access.call("GET", "/auth/sessions", headers={"Cookie": cookie}).json()["sessions"]
        if session["current"]
    )
    return str(own)


TARGETS: dict[str, Callable[[Access, str], str]] = {
    "cluster_id": lambda _access, cluster: cluster,
    "droplet_id": _droplet,
    "job_id": _job,
    "schedule_id": _schedule,
    "diagnosis_id": _diagnosis,
    "session_id": _session,
    "key_id": lambda access, _cluster: access.new_key("viewer")[0],
    "dead_letter_id": lambda _access, _cluster: "77",
    "ref": lambda _access, _cluster: "nobody",
    "name": lambda _access, _cluster: "simulated",
    "rest": lambda _access, _cluster: "somewhere",
}
"""A thing of its own for every call, so that what one caller did is not what the next is answered for."""
