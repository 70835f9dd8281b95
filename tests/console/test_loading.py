"""Loading a page is cheap, and needs nothing but this server."""

import pytest
from playwright.sync_api import Page, Request

from tests.console.browsing import Visit, settled
from tests.console.content import ROUTES, Content, fill
from tests.live_server import LiveServer

MOST_REQUESTS = 6


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


def requests_of(visit: Visit, route: str) -> list[str]:
    """What a new tab asks for until nothing is asked any more; another one has the stream, which never ends."""
    tab: Page = visit.context.new_page()
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    tab.on("request", note)
    visit.open(route, tab)
    settled(tab)
    tab.wait_for_load_state("networkidle")
    tab.close()
    return asked


@pytest.mark.timeout(600)
def test_a_page_is_loaded_with_few_requests_and_all_of_them_are_ours(
    visit: Visit, server: LiveServer, content: Content
) -> None:
    visit.open("/settings")
    for route in ROUTES:
        asked = requests_of(visit, content.at(route))
        calls = [url for url in asked if "/api/" in url]
        assert len(calls) <= MOST_REQUESTS, (route, calls)
        assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == [], route
