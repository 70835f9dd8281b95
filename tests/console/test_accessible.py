"""Everybody can use it: axe finds nothing, light and dark, in a large window and on a small phone, in every state."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.console.browsing import NARROW, WIDE, Visit, axe, look, settled, sideways
from tests.console.content import PAGES, Content, fill
from tests.console.refusals import refusing
from tests.live_server import LiveServer

LOOKS: list[tuple[Literal["light", "dark"], tuple[int, int]]] = [("light", WIDE), ("dark", WIDE), ("dark", NARROW)]


@pytest.fixture(scope="module")
def content(server: LiveServer) -> Content:
    return fill(server.api)


def faults(visit: Visit, routes: list[str]) -> list[str]:
    """What is wrong with these pages, however they are looked at."""
    found = []
    for route in routes:
        page = visit.open(route)
        settled(page)
        found += at_every_look(page)
    return found


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


def test_axe_has_nothing_against_any_page(visit: Visit, content: Content) -> None:
    assert faults(visit, content.routes()) == []


def test_axe_has_nothing_against_a_page_that_is_empty(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit]
) -> None:
    assert faults(visiting(start().url), [*PAGES, "/droplets?view=orphans"]) == []


def test_axe_has_nothing_against_errors(visit: Visit, content: Content) -> None:
    refusing(visit, "/api/v1/", 403)
    assert faults(visit, [*PAGES, f"/clusters/{content.cluster}", f"/jobs/{content.done}"]) == []


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
