"""Everybody can use it: axe finds nothing, light and dark, in a large window and on a small phone, in every state."""

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.console.browsing import NARROW, WIDE, Visit, axe, look, settled, sideways
from tests.console.content import PAGES, ROUTES, Content, fill
from tests.console.refusals import refusing
from tests.live_server import LiveServer, live_server

LOOKS: list[tuple[Literal["light", "dark"], tuple[int, int]]] = [("light", WIDE), ("dark", WIDE), ("dark", NARROW)]


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


def at_every_look(page: Page) -> list[str]:
    """What is wrong with what is shown now."""
    found = []
    for scheme, size in LOOKS:
        look(page, scheme, size)
        found += [f"{scheme} {size}: {fault}" for fault in axe(page)]
        if (by := sideways(page)) > 0:
            found.append(f"{page.url} is {by} pixels wider than its window of {size[0]}")
    look(page, *LOOKS[0])
    return found


@pytest.mark.parametrize("route", ROUTES)
def test_axe_has_nothing_against_any_page(visit: Visit, content: Content, route: str) -> None:
    page = visit.open(content.at(route))
    settled(page)
    assert at_every_look(page) == []


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("empty") / "data") as running:
        yield running


@pytest.mark.parametrize("route", [*PAGES, "/droplets?view=orphans"])
def test_axe_has_nothing_against_a_page_that_is_empty(
    empty: LiveServer, visiting: Callable[..., Visit], route: str
) -> None:
    page = visiting(empty.url).open(route)
    settled(page)
    assert at_every_look(page) == []


@pytest.mark.parametrize("route", [*PAGES, "/clusters/{cluster}", "/jobs/{done}"])
def test_axe_has_nothing_against_errors(visit: Visit, content: Content, route: str) -> None:
    refusing(visit, "/api/v1/", 403)
    page = visit.open(content.at(route))
    settled(page)
    assert at_every_look(page) == []


def test_axe_has_nothing_against_what_opens_over_a_page(visit: Visit, page: Page) -> None:
    visit.open("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("Cluster, droplet, job id")).to_be_visible()
    found = at_every_look(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    found += at_every_look(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Copy as").click()
    expect(page.get_by_role("menu")).to_be_visible()
    assert found + at_every_look(page) == []
