"""The main action of the pages for those who run ClusterGenie: setting up, keys, limits, schedules, Grafana."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import Page, expect

from tests.console.browsing import NOT_A_SUCCESS, Visit, settled
from tests.console.test_actions import SCRIPTS
from tests.live_server import LiveServer


def setup_link(server: LiveServer) -> str:
    command = [str(SCRIPTS / "clustergenie"), "auth", "setup-link", "--data-dir", str(server.data_dir)]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    found = re.search(r"/setup#token=(\S+)", told.stdout)
    assert found is not None, told.stdout
    return f"/setup#token={found[1]}"


def key_of_a_viewer(page: Page, server: LiveServer) -> dict[str, str]:
    """Made in the dialog; as the header that carries it."""
    page.goto(f"{server.url}/access?create=true")
    dialog = page.get_by_role("dialog", name="Create key")
    dialog.get_by_role("textbox", name=re.compile("^Name")).fill("looks only")
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="viewer").click()
    dialog.get_by_role("button", name="Create key").click()
    shown = page.get_by_role("dialog", name="The key looks only")
    looks = {"Authorization": f"Bearer {shown.locator('code').first.inner_text()}"}
    shown.get_by_role("button", name="I have kept it").click()
    return looks


def test_the_first_key_is_made_by_the_link_and_is_good_for_more(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit]
) -> None:
    server = start(CLUSTERGENIE_AUTH="required")
    visit = visiting(server.url)
    visit.complaints.expect(NOT_A_SUCCESS)
    page = visit.page
    page.goto(f"{server.url}/clusters")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("There is no key yet.")).to_be_visible()

    link = setup_link(server)
    page.goto(f"{server.url}{link}")
    expect(page).to_have_url(f"{server.url}/setup")  # the token does not stay in the address
    page.get_by_role("button", name="Make the first key").click()
    secret = page.locator("code").first.inner_text()
    page.get_by_role("button", name="I have kept it, go on").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    assert secret not in page.content()

    by_key = {"Authorization": f"Bearer {secret}"}
    assert server.api.send("GET", "/clusters", headers=by_key).ok
    page.goto(f"{server.url}{link}")  # it works once
    page.get_by_role("button", name="Make the first key").click()
    expect(page.get_by_role("alert").first).to_contain_text("setup link")

    looks = key_of_a_viewer(page, server)
    assert server.api.send("GET", "/clusters", headers=looks).ok
    assert server.api.send("POST", "/clusters", {"name": "no"}, headers=looks).status == 403
    row = page.get_by_role("row").filter(has_text="looks only")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog", name="Revoke looks only").get_by_role("button", name="Revoke key").click()
    expect(row).to_have_count(0)
    assert server.api.send("GET", "/clusters", headers=looks).status == 401

    page.goto(f"{server.url}/audit")
    for act in ("key.create", "key.revoke"):
        expect(page.get_by_text(act).first).to_be_visible()
    visit.context.clear_cookies()
    page.goto(f"{server.url}/login?refused=oidc-no-role")
    expect(page.get_by_role("alert").first).to_contain_text("none of your groups has a role")


def test_a_limit_that_is_set_is_in_force(start: Callable[..., LiveServer], visiting: Callable[..., Visit]) -> None:
    server = start(CLUSTERGENIE_JOBS_SCOPE="user")
    visit = visiting(server.url)
    page = visit.page
    visit.open("/limits?edit=jobs_create:user")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tokens a second").fill("0.01")
    dialog.get_by_label("Capacity").fill("1")
    dialog.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Limit jobs_create is in force")).to_be_visible()
    noop = {"type": "noop", "parameters": {}}
    answers = [server.api.send("POST", "/jobs", noop).status for _ in range(3)]
    assert 429 in answers, answers
    settled(page)
    visit.open("/limits?edit=jobs_create:user")
    dialog.get_by_label("Tokens a second").fill("50")
    dialog.get_by_label("Capacity").fill("100")
    dialog.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Limit jobs_create is in force")).to_be_visible()


def test_a_schedule_is_made_and_runs_when_told_to(server: LiveServer, visit: Visit, page: Page) -> None:
    visit.open("/schedules?create=true")
    dialog = page.get_by_role("dialog", name="Create schedule")
    dialog.get_by_role("textbox", name=re.compile("^Name")).fill("nightly look")
    dialog.get_by_label("Cron").fill("0 3 * * *")
    expect(dialog.get_by_text("03:00").first).to_be_visible()
    dialog.get_by_label("Cluster").first.click()
    page.get_by_role("option", name="default").click()
    dialog.get_by_role("button", name="Create schedule").click()
    expect(page.get_by_role("row").filter(has_text="nightly look")).to_be_visible()
    (kept,) = server.api.get("/schedules")["schedules"]
    assert (kept["cron"], kept["type"]) == ("0 3 * * *", "diagnose")


@contextmanager
def far_side(asked: list[str]) -> Iterator[str]:
    """Something else on another port, that notes what it is asked for: what Grafana answers is Grafana's own."""

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><html lang=en><title>there</title><p>" + json.dumps(self.path).encode())

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    there = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    Thread(target=there.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{there.server_port}/grafana"
    finally:
        there.shutdown()
        there.server_close()


def test_panels_of_grafana_are_shown_and_a_job_links_to_its_lines(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit]
) -> None:
    asked: list[str] = []
    with far_side(asked) as grafana:
        server = start(CLUSTERGENIE_GRAFANA_URL=grafana)
        visit = visiting(server.url)
        page = visit.open("/observability")
        frame = page.frame_locator("iframe[title='How long jobs wait']")
        page.locator("iframe[title='How long jobs wait']").scroll_into_view_if_needed()
        expect(frame.get_by_text("panelId=13")).to_be_visible()
        job = server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]
        visit.open(f"/jobs/{job['id']}")
        href = page.get_by_role("link", name="Grafana").get_attribute("href")
    assert href is not None
    assert href.startswith(f"{grafana}/d/clustergenie/")
    assert f"var-job_id={job['id']}" in href
    assert all(path.startswith("/grafana/d-solo/clustergenie/") for path in asked), asked


def test_without_grafana_nothing_speaks_of_it(visit: Visit, page: Page) -> None:
    answer = page.goto(f"{visit.url}/observability")
    assert answer is not None
    assert "frame-src 'none'" in answer.headers["content-security-policy"]
    settled(page)
    expect(page.get_by_text("Grafana")).to_have_count(0)
