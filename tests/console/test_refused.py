"""Each call of each page refused in every way there is: the page says what, why and what to do, and recovers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import Error, Locator, Page, Request, Route, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit, settled
from tests.console.content import PAGES, READING, Content, fill
from tests.console.refusals import API, FIXES, REQUEST_ID, answering
from tests.live_server import LiveServer


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


def calls_of(visit: Visit, route: str) -> list[str]:
    """The calls that loading a page makes, each as a pattern that its URL answers to, method first."""
    tab = visit.context.new_page()
    asked: dict[str, None] = {}

    def note(request: Request) -> None:
        if re.search(API, request.url):
            path = re.escape(request.url.removeprefix(visit.url).split("?")[0])
            kind = re.search(r"[?&]type=\w+", request.url)
            asked[f"{request.method} {path}(\\?|$){'.*' + re.escape(kind[0][1:]) if kind else ''}"] = None

    tab.on("request", note)
    visit.open(route, tab)
    settled(tab)
    tab.wait_for_load_state("networkidle")
    tab.close()
    return list(asked)


@contextmanager
def refused(visit: Visit, page: Page, call: str) -> Iterator[dict[str, int]]:
    """This call of the page is answered with the status in the dictionary; a 0 lets it through."""
    visit.complaints.expect(NOT_A_SUCCESS)
    method, _, pattern = call.partition(" ")
    now = {"status": 0}

    def decide(route: Route) -> None:
        if now["status"] and route.request.method == method:
            answering(now["status"])(route)
        else:
            route.fallback()

    page.route(re.compile(pattern), decide)
    yield now
    page.unroute_all(behavior="ignoreErrors")


def the_page_says(page: Page, status: int) -> Locator:
    """The alert about the refusal, complete: what, why, what to do, what to quote."""
    alert = page.get_by_role("alert").filter(has_text=f"The server says {status}.").first
    expect(alert).to_contain_text("It has its reasons.")
    expect(alert).to_contain_text(FIXES[status])
    expect(alert).to_contain_text(REQUEST_ID)
    expect(alert.get_by_role("button", name="Copy details")).to_be_visible()
    return alert


def try_again(page: Page) -> None:
    """Press what is there to be pressed; it may lie under a dialog, or be gone because the page has tried by itself."""
    for button in page.get_by_role("button", name="Try again").all():
        with suppress(Error):
            button.dispatch_event("click", timeout=2000)


@pytest.mark.parametrize("route", READING)
def test_each_call_of_a_page_may_be_refused_alone(visit: Visit, page: Page, content: Content, route: str) -> None:
    visit.another("/settings")  # has the stream
    calls = calls_of(visit, content.at(route))
    statuses = list(FIXES)
    assert calls != []
    for place, call in enumerate(calls):
        status = statuses[(place + len(route)) % len(statuses)]
        with refused(visit, page, call) as now:
            now["status"] = status
            visit.open(content.at(route))
            the_page_says(page, status)
            now["status"] = 0
            try_again(page)
            expect(page.get_by_role("alert").filter(has_text="The server says")).to_have_count(0)
            settled(page)


@pytest.mark.parametrize("route", [*PAGES, "/clusters/{cluster}", "/jobs/{done}", "/droplets?open={droplet}"])
def test_every_page_has_words_for_every_refusal(visit: Visit, page: Page, content: Content, route: str) -> None:
    visit.another("/settings")
    with refused(visit, page, f"GET {API}") as now:
        now["status"] = 401
        visit.open(content.at(route))
        for status in FIXES:
            now["status"] = status
            try_again(page)
            the_page_says(page, status)
