"""The console lives under a path of somebody else's address, whether the proxy takes the path off or leaves it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browsing import Visit
from tests.console.proxy import proxied
from tests.live_server import LiveServer

PATH = "/sub/path"


@pytest.mark.parametrize("strips", [True, False])
def test_everything_works_under_a_path(
    start: Callable[..., LiveServer], visiting: Callable[..., Visit], strips: bool
) -> None:
    server = start(CLUSTERGENIE_BASE_PATH=PATH)
    with proxied(server.port, PATH, strips=strips) as url:
        visit = visiting(url)
        page = visit.open("/")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.get_by_role("link", name="Jobs", exact=True).click()
        expect(page).to_have_url(f"{url}/jobs")
        job = server.api.post("/jobs", {"type": "noop", "parameters": {}})["job"]
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")  # events of the page before name the job too
        page.get_by_role("link", name="Noop", exact=True).click()  # it came by the stream
        expect(page).to_have_url(f"{url}/jobs/{job['id']}")
        visit.open(f"/jobs/{job['id']}")
        expect(page.get_by_role("heading", level=1)).to_contain_text("completed")
        visit.open("/clusters?create=true")
        dialog = page.get_by_role("dialog", name="Create cluster")
        dialog.get_by_label("Name").fill("below")
        dialog.get_by_label("Wanted size").fill("0")
        dialog.get_by_role("button", name="Create cluster").click()
        expect(page).to_have_url(re.compile(re.escape(f"{url}/clusters/cluster-")))
        visit.open("/observability")
        visit.close()  # before the proxy that it looks through
