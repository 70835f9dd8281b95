"""Nothing that anybody can write is ever run, whatever page shows it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit, settled, sideways
from tests.console.content import ROUTES, Content, fill
from tests.live_server import LiveServer

SCRIPT = "window.hacked=1"
HOSTILE = (
    f"\"'><img src=x onerror={SCRIPT}><script>{SCRIPT}</script><svg onload={SCRIPT}>"
    "{{7*7}}${7*7}\u202e" + "W" * 80
)
WRITTEN = set(
    "name message error status_reason health summary title cause remedy note description subject region image "  # noqa: SIM905
    "insights recommendations reasons rejected_because worker_id address detail actor target".split()
)
"""Fields that hold what somebody wrote, a provider said or a machine reported."""
WITHIN = {"payload", "parameters", "result", "evidence", "labels", "before", "after"}
"""Below these, everything may be anything."""


def poisoned(value: Any, written: bool = False) -> Any:
    """The same answer, as the worst of authors would have it."""
    if isinstance(value, dict):
        return {key: poisoned(one, written or key in WRITTEN | WITHIN) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, written) for one in value]
    return HOSTILE + value if written and isinstance(value, str) and value else value


def poison(route: Route) -> None:
    answer = route.fetch()
    if "json" not in answer.headers.get("content-type", ""):
        route.fulfill(response=answer)
        return
    route.fulfill(response=answer, json=poisoned(answer.json()))


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


@pytest.mark.parametrize("route", [route for route in ROUTES if "/there/" not in route])
def test_html_and_script_in_every_string_is_text(visit: Visit, page: Page, content: Content, route: str) -> None:
    visit.complaints.expect(NOT_A_SUCCESS)  # something may be asked for by its name, and the server knows no such name
    visit.context.route(re.compile("/api/v1/(?!events/stream|auth/|observability/ratelimit)"), poison)
    visit.open(content.at(route))
    settled(page)
    assert page.evaluate("window.hacked ?? null") is None
    assert sideways(page) <= 0
    visit.context.unroute_all(behavior="ignoreErrors")  # some pages ask again and again


def test_a_cluster_of_a_hostile_name_is_found_looked_at_and_deleted(
    server: LiveServer, visit: Visit, page: Page
) -> None:
    cluster_id = server.api.post("/clusters", {"name": HOSTILE, "provider": "simulated"})["cluster"]["id"]
    visit.open("/")
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Cluster, droplet, job id").fill("onerror")
    page.get_by_role("dialog").get_by_text(HOSTILE[:40]).first.click()
    expect(page).to_have_url(re.compile(cluster_id))
    expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE[:40])
    visit.open(f"/clusters/{cluster_id}?act=delete")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").last.fill(HOSTILE)
    visit.complaints.expect(f"404 .*/clusters/{cluster_id}")  # gone before its page is
    dialog.get_by_role("button", name="Delete cluster").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    assert page.evaluate("window.hacked ?? null") is None


def test_an_address_is_only_an_address(visit: Visit, page: Page) -> None:
    visit.complaints.expect("Failed to load resource")  # there is no job of such a name
    for route in ("/clusters?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E", "/jobs/<script>", "/<svg>"):
        visit.open(route)
        assert page.evaluate("window.hacked ?? null") is None
