"""Every refusal is a problem document that says what, where and why; a bug says so and shows nothing of the inside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Router
from litestar.params import Parameter
from litestar.testing import TestClient

from clustergenie.platform.errors import Conflict, Invalid, NotFound, Unavailable, invalid
from clustergenie.platform.http import Console, Observed, Paging, build, console_routes, get, post
from clustergenie.platform.http.application import MAX_BODY
from clustergenie.platform.telemetry import registry


class NameTaken(Conflict):
    """The name is taken."""


class Owner(msgspec.Struct):
    """Part of what the test posts."""

    mail: str


class Droplet(msgspec.Struct):
    """What the test posts."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    tags: list[dict[str, int]] = []
    owner: Owner | None = None


class MachineAway(NotFound):
    """There is no such droplet."""


@post("/droplets", allow="anyone", raises=[NameTaken])
async def make(data: Droplet) -> Droplet:
    """Make one."""
    if data.name == "taken":
        raise NameTaken("There is a droplet 'taken'; choose another name.", name=data.name)
    if data.name == "odd":
        raise invalid("/name", "is odd")
    return data


@get("/droplets", allow="anyone")
async def show(paging: Paging, size: Annotated[int, Parameter(ge=1, le=9)] = 1) -> dict[str, int]:
    """Show some."""
    return {"page": paging.page, "size": size}


@get("/busy", allow="anyone", raises=[Unavailable])
async def busy() -> None:
    """Refuse."""
    raise Unavailable("Later.", retry_after=1.6)


@get("/bug", allow="anyone")
async def bug() -> None:
    """Break."""
    raise RuntimeError("the password is hunter2")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Any]]:
    api = Router("/api", route_handlers=[make, show, busy, bug])
    app = build([api, *console_routes], version="1", dependencies={"console": Console(tmp_path)})
    observed = Observed(app, version="1")
    with TestClient(observed, base_url="http://test.local/api", raise_server_exceptions=False) as opened:
        yield opened


def refused(response: Any, status: int, kind: str) -> dict[str, Any]:
    """The body, after the checks that hold for every problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()
    assert body["type"].rsplit("/", 1)[-1] == kind
    assert body["status"] == status
    assert body["title"]
    assert body["error"] == body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["trace_id"] == response.headers["x-trace-id"]
    return body


def test_a_problem_carries_its_title_its_sentence_and_its_members(client: TestClient[Any]) -> None:
    body = refused(client.post("/droplets", json={"name": "taken"}), 409, "name-taken")
    assert body["title"] == "The name is taken."
    assert body["detail"] == "There is a droplet 'taken'; choose another name."
    assert body["name"] == "taken"


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x", "tags": [{"a": 1}, {"b": "x"}]}, "/tags/1"),
        ({"name": "x", "owner": {}}, "/owner/mail"),
        ({"name": "odd"}, "/name"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_wrong_body_is_answered_with_a_json_pointer(client: TestClient[Any], content: Any, pointer: str) -> None:
    body = refused(client.post("/droplets", json=content), 422, "invalid")
    assert body["errors"][0]["pointer"].startswith(pointer)
    assert body["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("size=0", "size"),
        ("size=x", "size"),
        ("page=0", "page"),
        ("page_size=101", "page_size"),
        ("sort_dir=up", "sort_dir"),
    ],
)
def test_a_wrong_query_is_answered_with_the_parameter(client: TestClient[Any], query: str, name: str) -> None:
    assert refused(client.get(f"/droplets?{query}"), 422, "invalid")["errors"][0]["pointer"] == f"?{name}"


def test_a_parameter_that_does_not_exist_is_not_silently_ignored(client: TestClient[Any]) -> None:
    body = refused(client.get("/droplets?sise=3"), 422, "invalid")
    assert body["errors"][0]["pointer"] == "?sise"
    assert "size" in body["detail"]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b'{"name": "x"', b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(client: TestClient[Any], content: bytes) -> None:
    response = client.post("/droplets", content=content, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    refused(response, response.status_code, "malformed" if response.status_code == 400 else "invalid")


def test_a_body_of_another_type_is_refused(client: TestClient[Any]) -> None:
    body = refused(client.post("/droplets", content=b"name=x", headers={"content-type": "text/plain"}), 415, "not-json")
    assert "application/json" in body["detail"]


def test_a_body_that_is_too_large_is_refused(client: TestClient[Any]) -> None:
    response = client.post("/droplets", json={"name": "x" * MAX_BODY})
    assert "1 MB" in refused(response, 413, "too-large")["detail"]


def test_a_path_or_method_that_is_none_is_refused(client: TestClient[Any]) -> None:
    assert "/docs" in refused(client.get("/dropletz"), 404, "not-found")["detail"]
    refused(client.delete("/droplets"), 405, "method-not-allowed")


def test_who_is_told_to_wait_is_told_how_long(client: TestClient[Any]) -> None:
    response = client.get("/busy")
    assert "retry_after" not in refused(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"


def test_a_bug_says_so_and_shows_nothing_of_the_inside(client: TestClient[Any]) -> None:
    body = refused(client.get("/bug"), 500, "bug")
    assert "hunter2" not in str(body)
    assert "report" in body["detail"]


def test_every_refusal_a_route_can_make_is_in_the_document(client: TestClient[Any]) -> None:
    paths = client.get("http://test.local/openapi.json").json()["paths"]
    assert {"201", "400", "404", "405", "409", "413", "415", "422", "503"} <= set(
        paths["/api/droplets"]["post"]["responses"]
    )
    assert {"200", "400", "404", "405", "422", "503"} <= set(paths["/api/droplets"]["get"]["responses"])
    assert "The name is taken." in paths["/api/droplets"]["post"]["responses"]["409"]["description"]


def test_a_request_keeps_the_id_and_the_trace_it_came_with(client: TestClient[Any]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"x-request-id": "mine-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    response = client.get("/droplets", headers=headers)
    assert (response.headers["x-request-id"], response.headers["x-trace-id"]) == ("mine-1", trace)


@pytest.mark.parametrize("asked", ["a" * 65, "two words", "<script>", ""])
def test_a_request_id_that_could_do_harm_is_replaced(client: TestClient[Any], asked: str) -> None:
    given = client.get("/droplets", headers={"x-request-id": asked}).headers["x-request-id"]
    assert given != asked
    assert given.isalnum()


def test_requests_are_counted_by_route_never_by_path(client: TestClient[Any]) -> None:
    def count(path: str, status: str, method: str = "GET") -> float:
        labels = {"method": method, "path": path, "status": status}
        return registry.get_sample_value("clustergenie_http_requests_total", labels) or 0

    before = count("/api/droplets", "200"), count("/api/droplets", "422")
    client.get("/droplets?size=2")
    client.get("/droplets?size=0")
    for number in range(3):
        client.get(f"/no/such/{number}")
    assert (count("/api/droplets", "200"), count("/api/droplets", "422")) == (before[0] + 1, before[1] + 1)
    names = {
        sample.labels["path"] for metric in registry.collect() for sample in metric.samples if "path" in sample.labels
    }
    assert not [name for name in names if name.startswith("/api/no/such")]


def test_the_base_of_all_problems_is_a_sentence_too() -> None:
    assert Invalid().detail == "The request is not valid."
    assert Invalid.type_name() == "invalid"
