"""Whatever goes wrong has a designed answer: refusals, hostile names, a wrong clock, a missing file."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit
from tests.console.content import PAGES
from tests.live_server import LiveServer

FIXES = {
    401: "Sign in again",
    403: "Ask an administrator",
    404: "It may have been deleted",
    409: "Look at what changed",
    422: "Correct the marked fields",
    429: "Wait 7 s",
    503: "Wait 7 s",
}
# What is said of a file that cannot be had, in the moment before the page is loaded anew.
GONE = "Failed to load resource|dynamically imported module|reading 'JobsPage'"
HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    "<script>window.hacked=1</script>",
    "\"><svg onload='window.hacked=1'>",
    "javascript:window.hacked=1",
    "{{7*7}} ${7*7} %27 \u202e\u2028 \U0001f9de " + "W" * 200,
]


def problem(status: int, **more: Any) -> dict[str, Any]:
    """The server's own way to say no."""
    return {
        "type": "https://clustergenie.dev/problems/no",
        "title": f"The server says {status}.",
        "status": status,
        "detail": "It has its reasons.",
        "errors": [],
        "request_id": "feedc0dedeadbeef",
        "trace_id": "0" * 32,
        **more,
    }


def answering(status: int, **more: Any) -> Callable[[Route], None]:
    def answer(route: Route) -> None:
        headers = {"content-type": "application/problem+json"}
        if status in (429, 503):
            headers["retry-after"] = "7"
        route.fulfill(status=status, headers=headers, body=json.dumps(problem(status, **more)))

    return answer


def refusing(visit: Visit, pattern: str, status: int, **more: Any) -> None:
    """From here on, what matches is answered with that status."""
    visit.complaints.expect(NOT_A_SUCCESS)
    visit.context.route(re.compile(pattern), answering(status, **more))


@pytest.mark.parametrize("status", FIXES)
def test_every_page_says_what_why_and_what_to_do(visit: Visit, page: Page, status: int) -> None:
    refusing(visit, r"/api/v1/(?!events/stream)|/readyz", status)
    for route in PAGES if status not in (429, 503) else ["/droplets"]:  # these are tried again, with pauses
        visit.open(route)
        alert = page.get_by_role("alert").first
        expect(alert).to_contain_text(f"The server says {status}.")
        expect(alert).to_contain_text("It has its reasons.")
        expect(alert).to_contain_text(FIXES[status])
        expect(alert).to_contain_text("feedc0dedeadbeef")
        expect(alert.get_by_role("button", name="Copy details")).to_be_visible()


def test_a_page_recovers_once_the_server_does(visit: Visit, page: Page) -> None:
    refusing(visit, r"/api/v1/clusters", 403)
    visit.open("/clusters")
    expect(page.get_by_role("alert")).to_be_visible()
    visit.context.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("status", FIXES)
def test_what_was_typed_is_kept_when_it_is_refused(visit: Visit, page: Page, status: int) -> None:
    visit.open("/clusters?create=true")
    refusing(visit, r"/api/v1/clusters$", status, errors=[{"pointer": "/name", "detail": "is not to be had"}])
    dialog = page.get_by_role("dialog", name="Create cluster")
    dialog.get_by_label("Name").fill("mine")
    dialog.get_by_role("button", name="Create cluster").click()
    expect(dialog.get_by_role("alert").first).to_contain_text(f"The server says {status}.")
    expect(dialog.get_by_label("Name")).to_have_value("mine")
    expect(dialog.get_by_text("is not to be had").first).to_be_visible()
    expect(dialog.get_by_role("button", name="Create cluster")).to_be_enabled()


def test_a_change_that_somebody_else_was_faster_with_shows_what_they_did(
    server: LiveServer, visit: Visit, page: Page
) -> None:
    visit.complaints.expect(NOT_A_SUCCESS)
    cluster_id = server.api.post("/clusters", {"name": "wanted", "provider": "simulated"})["cluster"]["id"]
    visit.open(f"/clusters/{cluster_id}?tab=settings")
    page.get_by_label("Name").fill("mine")
    visit.context.route(re.compile("/events/stream"), lambda route: route.abort())
    server.api.put(f"/clusters/{cluster_id}", {"name": "theirs"})
    page.get_by_role("button", name="Review changes").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save changes").click()
    expect(dialog).to_contain_text("Somebody changed it: name wanted → theirs")
    dialog.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("mine")


def test_a_name_of_50_kilobytes_is_refused_where_it_was_typed(visit: Visit, page: Page) -> None:
    visit.open("/clusters?create=true")
    dialog = page.get_by_role("dialog", name="Create cluster")
    dialog.get_by_label("Name").fill("x" * 50_000)
    dialog.get_by_role("button", name="Create cluster").click()
    expect(dialog.get_by_text(re.compile("At most"))).to_be_visible()
    expect(page).to_have_url(re.compile("create=true"))
    visit.open(f"/clusters?q={'x' * 5000}&page=-1&sort=;drop&dir=up&status=odd&unheard=of")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()


def test_nothing_in_a_name_is_ever_run(server: LiveServer, visit: Visit, page: Page) -> None:
    for name in HOSTILE:
        made = server.api.send("POST", "/clusters", {"name": name, "provider": "simulated", "wanted_size": 1})
        if not made.ok:
            continue
        server.api.job(made.body["job"]["id"])
        for tab in ("droplets", "jobs", "events", "settings") if name == HOSTILE[0] else ["settings"]:
            visit.open(f"/clusters/{made.body['cluster']['id']}?tab={tab}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(name.strip()[:20])
        visit.open(f"/clusters/{made.body['cluster']['id']}?act=delete")
        expect(page.get_by_role("dialog")).to_be_visible()
    for route in [*PAGES, "/clusters?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E", "/jobs/<script>", "/<svg>"]:
        visit.complaints.expect(NOT_A_SUCCESS)  # there is no job of such a name
        visit.open(route)
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Cluster, droplet, job id").fill("onerror")
    expect(page.get_by_role("dialog")).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None


def test_a_file_that_is_missing_once_is_fetched_by_a_reload(visit: Visit, page: Page) -> None:
    visit.complaints.expect(GONE)
    visit.open("/")
    page.route(re.compile(r"/assets/JobsPage-"), lambda route: route.abort(), times=1)
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_a_file_that_stays_missing_is_an_error_on_the_page_and_no_loop(visit: Visit, page: Page) -> None:
    visit.complaints.expect(GONE)
    visit.open("/")
    page.route(re.compile(r"/assets/JobsPage-"), lambda route: route.abort())
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("dynamically imported module")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_times_are_by_the_servers_clock(server: LiveServer, visit: Visit, page: Page, minutes: int) -> None:
    visit.context.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))
    server.api.job(server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"])
    visit.open("/jobs?type=noop")
    row = page.get_by_role("region", name="Jobs").get_by_role("row").nth(1)
    expect(row).to_contain_text(re.compile(r"just now|\d s ago"))
