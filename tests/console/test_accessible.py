"""Everybody can use it: axe finds nothing, it fits a small phone, and each page is loaded with a few requests."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.console.browsing import NARROW, NOT_A_SUCCESS, Visit, axe, settled, sideways
from tests.console.content import PAGES, Content, fill
from tests.live_server import LiveServer

MOST_REQUESTS = 6


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


def faults(visit: Visit, routes: list[str]) -> list[str]:
    """What is wrong with these pages."""
    found = []
    for route in routes:
        page = visit.open(route)
        settled(page)
        found += axe(page)
        if (by := sideways(page)) > 0:
            found.append(f"{page.url} is {by} pixels wider than its window")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_any_page(visiting: Callable[..., Visit], content: Content, scheme: str) -> None:
    assert faults(visiting(scheme=scheme), content.routes()) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_a_page_that_is_empty(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit], scheme: str
) -> None:
    visit = visiting(start().url, scheme=scheme)
    assert faults(visit, [*PAGES, "/droplets?view=orphans"]) == []


def refuse(route: Route) -> None:
    """Answer as the server does when it is busy."""
    problem = {
        "type": "https://clustergenie.dev/problems/forbidden",
        "title": "You may not do this.",
        "status": 403,
        "detail": "Your role has no clusters:read.",
        "errors": [],
        "request_id": "0123456789abcdef",
    }
    route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(problem))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_errors(visiting: Callable[..., Visit], content: Content, scheme: str) -> None:
    visit = visiting(scheme=scheme)
    visit.complaints.expect(NOT_A_SUCCESS)
    visit.context.route("**/api/v1/**", refuse)
    assert faults(visit, [*PAGES, f"/clusters/{content.cluster}", f"/jobs/{content.done}"]) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_what_opens_over_a_page(visiting: Callable[..., Visit], scheme: str) -> None:
    visit = visiting(scheme=scheme)
    page = visit.open("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("Cluster, droplet, job id")).to_be_visible()
    found = axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    found += axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Copy as").click()
    expect(page.get_by_role("menu")).to_be_visible()
    assert found + axe(page) == []


def test_every_page_fits_a_window_of_320_pixels(visiting: Callable[..., Visit], content: Content) -> None:
    assert faults(visiting(size=NARROW), content.routes()) == []


def test_a_page_is_loaded_with_few_requests(visit: Visit, page: Page, content: Content) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/api/" in request.url and not request.url.endswith("/stream"):
            asked.append(request.url)

    page.on("request", note)
    many = {}
    for route in content.routes():
        asked.clear()
        visit.open(route)
        settled(page)
        if len(asked) > MOST_REQUESTS:
            many[route] = list(asked)
    assert many == {}
