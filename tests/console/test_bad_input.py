"""Whatever goes wrong has a designed answer: a name without end, a wrong clock, a missing file, two people at once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit
from tests.live_server import LiveServer

# What is said of a file that cannot be had, in the moment before the page is loaded anew.
GONE = "Failed to load resource|dynamically imported module|reading 'JobsPage'"


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
