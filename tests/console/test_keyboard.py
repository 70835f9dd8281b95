"""The main story without a mouse: Tab, Enter, arrows, Escape and the keys of the keyboard sheet."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browsing import Visit
from tests.live_server import LiveServer

FOCUSED = "document.activeElement?.getAttribute('aria-label') || document.activeElement?.innerText?.trim() || ''"
FAR = 60


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what has that name; it must be seen to be there."""
    seen = []
    for _ in range(FAR):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if seen[-1] == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", f"unseen on {name}"
            return
    raise AssertionError(f"Tab never came to {name!r}, only to {seen}")


def test_the_story_can_be_lived_without_a_mouse(visit: Visit, page: Page) -> None:
    visit.open("/")
    create(page)
    scale(page)
    diagnose(page)
    find_and_delete(page)


def create(page: Page) -> None:
    """Make a cluster of one, from the palette."""
    page.keyboard.press("Control+k")
    palette = page.get_by_placeholder("Cluster, droplet, job id")
    expect(palette).to_be_focused()
    page.keyboard.type("create a cl")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Create cluster")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("keys")
    expect(heading).to_contain_text("healthy", timeout=60_000)


def scale(page: Page) -> None:
    """Two of them."""
    heading = page.get_by_role("heading", level=1)
    tab_to(page, "Scale")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Scale keys")
    expect(dialog.get_by_label("Wanted size")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(heading).to_contain_text("healthy", timeout=60_000)


def diagnose(page: Page) -> None:
    """Go there by keys, and ask."""
    heading = page.get_by_role("heading", level=1)
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(heading).to_contain_text("diagnosis")
    tab_to(page, "Diagnose now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Evidence").first).to_be_visible()


def find_and_delete(page: Page) -> None:
    """Through the list, its rows, a menu and the typed name."""
    heading = page.get_by_role("heading", level=1)
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(heading).to_have_text("Clusters")
    expect(page.get_by_role("link", name="keys", exact=True)).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="keys", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading).to_contain_text("keys")
    tab_to(page, "More actions")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Add droplets")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Delete cluster")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Type keys to confirm")).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    expect(heading).to_contain_text("completed", timeout=60_000)


def test_escape_closes_what_is_on_top_and_the_focus_goes_back(visit: Visit, page: Page) -> None:
    visit.open("/clusters")
    tab_to(page, "Copy as")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("button", name="Copy as")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("name", ["Copy as", "Views", "Theme"])
def test_an_escape_that_comes_before_the_focus_does_closes_too(visit: Visit, page: Page, name: str) -> None:
    visit.open("/droplets")
    button = page.get_by_role("button", name=name, exact=True)
    dropped = page.locator("[role=menu], [role=dialog]")
    for _ in range(5):
        button.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")  # no wait: it meets the button, the frame before the menu or the menu itself
        page.wait_for_timeout(200)  # ms; what would come late has come
        expect(dropped).to_have_count(0)
        expect(button).to_be_focused()


def test_single_keys_can_be_switched_off(server: LiveServer, visit: Visit, page: Page) -> None:
    visit.open("/settings")
    switch = page.get_by_role("switch")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).not_to_be_checked()
    page.locator("main").focus()
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("Cluster, droplet, job id")).to_be_visible()
    expect(page).to_have_url(re.compile("/settings$"))
