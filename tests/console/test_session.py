"""A session that ends while somebody is at work: they sign in over the page, and go on where they were."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit
from tests.live_server import LiveServer


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_what_was_typed_outlives_the_session(start: Callable[..., LiveServer], visiting: Callable[..., Visit]) -> None:
    server = start()
    admin = [{"role": "admin", "clusters": None}]
    key = server.api.post("/auth/keys", {"name": "me", "grants": admin})["secret"]
    by_key = {"Authorization": f"Bearer {key}"}
    visit = visiting(server.url)
    visit.complaints.expect(NOT_A_SUCCESS)
    page = visit.page
    page.goto(f"{server.url}/clusters?create=true")
    sign_in(page, key)
    dialog = page.get_by_role("dialog", name="Create cluster")
    dialog.get_by_label("Name").fill("typed before")
    sessions = server.api.send("GET", "/auth/sessions", headers=by_key).body["sessions"]
    for one in sessions:
        assert server.api.send("DELETE", f"/auth/sessions/{one['id']}", headers=by_key).ok
    dialog.get_by_role("button", name="Create cluster").click()
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    sign_in(page, key)
    expect(page.get_by_role("dialog", name="Your session has ended")).to_have_count(0)
    expect(dialog.get_by_label("Name")).to_have_value("typed before")
    dialog.get_by_role("button", name="Create cluster").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("typed before")
