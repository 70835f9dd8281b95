"""The main action of every page that the story does not come by, and the ways to do the same without the console."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.browsing import Visit
from tests.console.content import SMALL
from tests.live_server import LiveServer

SCRIPTS = Path(sys.executable).parent


def test_a_droplet_is_made_looked_at_and_deleted(visit: Visit, page: Page) -> None:
    visit.open("/droplets")
    page.get_by_role("button", name="Create droplet").click()
    dialog = page.get_by_role("dialog", name="Create droplet")
    dialog.get_by_label("Name").fill("lonely")
    dialog.get_by_role("button", name="Create droplet").click()
    panel = page.get_by_role("dialog", name="lonely")
    expect(panel.get_by_text("active", exact=True)).to_be_visible(timeout=60_000)
    expect(panel.get_by_role("heading", name="Last heartbeat")).to_be_visible()
    panel.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete lonely").get_by_role("button", name="Delete droplet").click()
    expect(panel.get_by_text("deleted", exact=True)).to_be_visible(timeout=60_000)


def test_a_job_is_cancelled_and_tried_again(server: LiveServer, visit: Visit, page: Page) -> None:
    body = {"type": "noop", "parameters": {}, "run_at": "2027-06-01T00:00:00Z"}
    job = server.api.post("/jobs", body)["job"]
    visit.open(f"/jobs/{job['id']}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("cancelled")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("dialog").get_by_role("button", name="Try again").click()
    expect(heading).to_contain_text("completed")


def test_charts_are_narrowed_held_and_read_as_a_table(server: LiveServer, visit: Visit, page: Page) -> None:
    made = server.api.post("/clusters", {"name": "measured", "size": SMALL, "wanted_size": 1})
    server.api.job(made["job"]["id"])
    visit.open(f"/monitoring?cluster={made['cluster']['id']}")
    page.get_by_text("15m", exact=True).click()
    expect(page).to_have_url(re.compile("range=15m"))
    expect(page.get_by_role("figure").first).to_be_visible()
    page.get_by_role("button", name="View as table").first.click()
    expect(page.get_by_role("table").first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page).to_have_url(re.compile("paused=true"))
    page.reload()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_events_wait_while_they_are_held(server: LiveServer, visit: Visit, page: Page) -> None:
    visit.open("/events?type=job_requested")
    page.get_by_role("button", name="Pause").click()
    server.api.post("/jobs", {"type": "noop", "parameters": {}})
    expect(page.get_by_text("1 new event")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("1 new event")).to_have_count(0)


def test_the_console_looks_as_it_was_told_to_also_after_a_reload(visit: Visit, page: Page) -> None:
    visit.open("/settings")
    page.get_by_text("Dark", exact=True).click()
    page.get_by_text("UTC", exact=True).last.click()
    page.get_by_text("Compact", exact=True).click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(page.get_by_role("banner").get_by_role("button", name="UTC")).to_be_visible()
    expect(page.get_by_role("radio", name="Compact")).to_be_checked()


def test_the_observability_page_follows_the_workers(visit: Visit, page: Page) -> None:
    visit.open("/observability")
    expect(page.get_by_role("heading", name="Worker pool")).to_be_visible()
    expect(page.get_by_role("region", name="Workers").or_(page.get_by_role("table").first).first).to_contain_text(
        "alive"
    )
    expect(page.get_by_text("No dead letters")).to_be_visible()


@pytest.mark.parametrize("form", ["curl", "CLI", "Python"])
@pytest.mark.parametrize("route", ["/clusters", "/jobs?status=completed", "/observability"])
def test_what_is_copied_runs_as_pasted(visit: Visit, page: Page, route: str, form: str) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open(route)
    page.get_by_role("button", name="Copy as").first.click()
    page.get_by_role("menuitem", name=re.compile(f"^{form}")).click()
    expect(page.get_by_role("button", name=f"Copied {form}")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    command = [str(SCRIPTS / "python"), "-c", text] if form == "Python" else ["bash", "-c", text]
    told = subprocess.run(command, env={"PATH": f"{SCRIPTS}:/usr/bin:/bin"}, capture_output=True, text=True)
    assert told.returncode == 0, (text, told.stderr)
