"""The live feed, as a person sees it: through outages, in many tabs, and when the tab that listens is closed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browsing import Visit
from tests.live_server import LiveServer
from tests.waiting import poll_until

TABS = 10


def subscribers(server: LiveServer) -> Any:
    return server.api.get("/observability/bus")["subscribers"]


def run_noop(server: LiveServer, times: int = 1) -> None:
    """Jobs that do nothing, until they have done it."""
    made = [server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]["id"] for _ in range(times)]
    for job_id in made:
        server.api.job(job_id)


def pill(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("button", name=re.compile("^(Live|Connecting|Reconnecting|Stale)"))


def completions(page: Page) -> Locator:
    """The events that a page of completed jobs shows."""
    return page.get_by_role("region", name="Events").get_by_text("job completed", exact=True)


def test_ten_tabs_stay_live_on_one_connection(server: LiveServer, visit: Visit) -> None:
    poll_until(lambda: subscribers(server) == 0)  # those of the tests before are gone
    completed = server.api.get("/events?type=job_completed")["total"]
    tabs = [visit.open("/events?type=job_completed"), *(visit.another("/events?type=job_completed") for _ in range(9))]
    for tab in tabs:
        expect(pill(tab)).to_have_text("Live")
    assert len(tabs) == TABS
    poll_until(lambda: subscribers(server) == 1)
    run_noop(server)
    for tab in tabs:
        expect(completions(tab)).to_have_count(completed + 1)


def test_when_the_tab_that_listens_is_closed_another_takes_its_place(server: LiveServer, visit: Visit) -> None:
    leader = visit.open("/events?type=job_completed")
    expect(pill(leader)).to_have_text("Live")
    others = [visit.another("/events?type=job_completed") for _ in range(2)]
    seen = server.api.get("/events?type=job_completed")["total"]
    leader.close()
    run_noop(server, 3)
    for tab in others:
        expect(completions(tab)).to_have_count(seen + 3)
        expect(pill(tab)).to_have_text("Live")
    poll_until(lambda: subscribers(server) == 1, 20)


def outlived(server: LiveServer, visit: Visit, until: str) -> None:
    """The page shows a server that is killed, stays away until the pill says so, and comes back with news."""
    visit.complaints.expect(r"net::ERR_|Failed to load")
    page = visit.open("/events?type=job_completed")
    jobs = visit.another("/jobs?status=completed")
    run_noop(server, 2)
    expect(completions(page)).to_have_count(2)
    for tab in (page, jobs):
        tab.evaluate("window.never_reloaded = true")
    server.kill()
    expect(pill(page)).to_have_text(re.compile(until), timeout=90_000)
    server.start()
    run_noop(server, 5)
    expect(pill(page)).to_have_text("Live", timeout=60_000)
    logged = [str(event["id"]) for event in server.api.get("/events?type=job_completed")["events"]]
    expect(completions(page)).to_have_count(len(logged))
    assert page.locator("[data-event]").evaluate_all("all => all.map(one => one.dataset.event)") == logged
    expect(jobs.get_by_text(re.compile("of 7$"))).to_be_visible()
    assert all(tab.evaluate("window.never_reloaded") for tab in (page, jobs))


def test_a_page_outlives_a_restart_of_its_server(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit]
) -> None:
    server = start()
    outlived(server, visiting(server.url), "^Reconnecting$|^Stale")


@pytest.mark.slow
def test_a_page_outlives_an_outage_of_half_a_minute(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit]
) -> None:
    server = start()
    visit = visiting(server.url)
    outlived(server, visit, r"^Stale (3\d|[4-9]\d) s")
