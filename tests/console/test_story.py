"""What people come for, done in the console as they do it, on real local droplets."""

import json
import os
import re
import signal

from playwright.sync_api import Locator, Page, expect

from tests.console.browsing import Visit
from tests.live_server import LiveServer


def figure(page: Page, label: str) -> Locator:
    """A number at the top of a page."""
    return page.get_by_text(label, exact=True).locator("..")


def agent_of(server: LiveServer, droplet_id: str) -> int:
    """The process of a droplet's agent."""
    pid: int = json.loads((server.data_dir / "local" / droplet_id / "process.json").read_text())["pid"]
    return pid


def create_cluster(page: Page, name: str, size: int) -> str:
    """By the form; returns the new cluster's id."""
    page.get_by_role("main").get_by_role("button", name="Create cluster").click()
    dialog = page.get_by_role("dialog", name="Create cluster")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Wanted size").fill(str(size))
    expect(dialog).to_contain_text("Placed on local")
    dialog.get_by_role("button", name="Create cluster").click()
    expect(page).to_have_url(re.compile(r"/clusters/cluster-[\w-]+$"))
    return page.url.rpartition("/")[2]


def is_whole(page: Page, size: int) -> None:
    """The cluster's page says, by itself, that it is healthy at this size."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("healthy", timeout=60_000)
    expect(figure(page, "Droplets active")).to_contain_text(f"{size} wanted")
    expect(page.get_by_role("region", name="Droplets").get_by_text("active", exact=True)).to_have_count(size)


def test_a_cluster_from_its_making_to_its_end(server: LiveServer, visit: Visit, page: Page) -> None:
    visit.open("/")
    cluster_id = create_cluster(page, "story", 2)
    is_whole(page, 2)

    page.get_by_role("button", name="Scale").click()
    dialog = page.get_by_role("dialog", name="Scale story")
    dialog.get_by_label("Wanted size").fill("3")
    expect(dialog.get_by_role("row", name="Wanted size")).to_contain_text("23")
    dialog.get_by_role("button", name="Scale", exact=True).click()
    is_whole(page, 3)

    visit.open(f"/clusters/{cluster_id}")  # by now as somebody who did not ask for the change: rows wait to be let in
    is_whole(page, 3)
    victim = server.api.everything("droplets", f"&cluster_id={cluster_id}")[0]
    os.kill(agent_of(server, victim["id"]), signal.SIGKILL)
    row = page.get_by_role("region", name="Droplets").get_by_role("row", name=victim["name"])
    expect(row).to_contain_text("gone", timeout=60_000)
    page.get_by_role("button", name="1 new row").click(timeout=60_000)
    expect(row).to_have_count(0)
    is_whole(page, 3)

    page.get_by_role("link", name="Diagnose").click()
    page.get_by_role("button", name="Diagnose now").first.click()
    expect(page.get_by_role("heading", name="Evidence").first).to_be_visible()
    expect(page.locator("main").get_by_text(re.compile(victim["name"])).first).to_be_visible()

    visit.open(f"/clusters/{cluster_id}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete cluster").click()
    dialog = page.get_by_role("dialog", name="Delete story")
    confirm = dialog.get_by_role("button", name="Delete cluster")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Type story to confirm").fill("story")
    confirm.click()
    expect(page).to_have_url(re.compile(r"/jobs/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("completed", timeout=60_000)
    page.get_by_role("link", name="Clusters", exact=True).click()
    expect(page.get_by_role("link", name="story")).to_have_count(0)


def test_work_is_seen_to_go_on_without_a_reload(server: LiveServer, visit: Visit, page: Page) -> None:
    visit.open("/jobs?type=provision")
    page.evaluate("window.never_reloaded = true")
    cluster_id = server.api.post("/clusters", {"name": "many", "provider": "simulated"})["cluster"]["id"]
    parameters = {"cluster_id": cluster_id, "count": 3000}
    server.api.post("/jobs", {"type": "provision", "parameters": parameters})
    page.get_by_role("link", name="Provision").first.click()
    bar = page.get_by_role("progressbar").first
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    expect(bar).to_have_attribute("aria-valuenow", "100", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("completed")
    expect(page.get_by_role("heading", name="Output")).to_be_visible()
    assert page.evaluate("window.never_reloaded")
