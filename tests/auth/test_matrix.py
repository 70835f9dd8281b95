"""Every route times every kind of caller is answered as the table says, and no route is missing in it."""

import json
import re
from typing import Any

import pytest
from litestar import Router

from clustergenie import app
from clustergenie.platform import http as web
from tests.auth.access import Access
from tests.auth.table import CALLERS, TABLE, TARGETS, Row

SAYS_NOTHING = {"type", "title", "status", "detail", "errors", "request_id", "trace_id", "error"}


class Cast:
    """The callers, and the clusters that the calls are about: one for each caller, and one more to be deleted."""

    def __init__(self, access: Access) -> None:
        self.clusters = {name: access.cluster(f"of-{name}") for name in CALLERS}
        self.doomed = {name: access.cluster(f"doomed-{name}") for name in CALLERS}
        other = access.cluster("elsewhere")
        everywhere = {role: access.new_key(role)[1] for role in ("viewer", "operator", "admin")}
        here = [*self.clusters.values(), *self.doomed.values()]
        self.agent, credential = access.agent_credential()
        self.keys: dict[str, str | None] = {
            "anonymous": None,
            **everywhere,
            "elsewhere": access.new_key("admin", [other])[1],
            "here": access.new_key("operator", here)[1],
            "expired": access.expired_key(),
            "revoked": access.revoked_key(),
            "agent": credential,
        }


@pytest.fixture(scope="module")
def cast(access: Access) -> Cast:
    return Cast(access)


def all_routes() -> set[str]:
    """What the application answers to."""
    found = set()
    for route in Router("/", route_handlers=[*app.route_handlers(), *web.docs_routes]).routes:
        for handler in getattr(route, "route_handlers", []):
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            found |= {f"{method} {path}" for method in handler.http_methods if method != "OPTIONS"}
    return found


def test_the_table_has_every_route_and_no_other() -> None:
    assert all_routes() == set(TABLE)


def filled(access: Access, cast: Cast, cluster: str, text: str) -> str:
    known = {"cluster_id": cluster, "unique": access.unique(), "agent": cast.agent}
    return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], text)


def target(access: Access, cluster: str, path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: TARGETS[found[1]](access, cluster), path)


@pytest.mark.parametrize("route", sorted(TABLE))
def test_everybody_is_answered_as_the_table_says(access: Access, cast: Cast, route: str) -> None:
    row: Row = TABLE[route]
    method, path = route.split()
    for caller, expected in zip(CALLERS, row.expected, strict=True):
        cluster = (cast.doomed if route == "DELETE /api/v1/clusters/{cluster_id}" else cast.clusters)[caller]
        body: Any = None
        if row.body is not None:
            body = json.loads(filled(access, cast, cluster, json.dumps(row.body)))
        answer = access.call(method, "/" + target(access, cluster, path) + row.query, key=cast.keys[caller], body=body)
        assert answer.status == expected, (caller, route, answer.status, answer.body[:400])
        if answer.status in (401, 403):
            assert set(answer.json()) == SAYS_NOTHING, (caller, route)
            assert ("www-authenticate" in answer.headers) == (answer.status == 401)


def test_what_one_may_not_see_is_told_in_the_words_of_what_is_not_there(access: Access, cast: Cast) -> None:
    hidden, missing = cast.clusters["viewer"], "cluster-nope"
    for method, path in (("GET", "/clusters/{}"), ("GET", "/health/{}"), ("DELETE", "/clusters/{}")):
        told = [
            access.call(method, path.format(one), key=cast.keys["elsewhere"]).json()["detail"].replace(one, "X")
            for one in (hidden, missing)
        ]
        assert told[0] == told[1]
    for body in (MONITORING, DIAGNOSING):
        told = [
            access.call("POST", "/jobs", key=cast.keys["elsewhere"], body=json.loads(body.replace("X", one)))
            .json()["detail"]
            .replace(one, "X")
            for one in (hidden, missing)
        ]
        assert told[0] == told[1]


MONITORING = '{"type": "monitor", "parameters": {"cluster_id": "X"}}'
DIAGNOSING = '{"type": "scale", "parameters": {"cluster_id": "X", "target_size": 1}}'
