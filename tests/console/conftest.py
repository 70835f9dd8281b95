"""One browser and one server for each file, a fresh visit for each test; whatever the browser complains of fails it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browsing import WIDE, Visit, chromium
from tests.live_server import LiveServer, live_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with the built console, its droplets being processes on this machine."""
    with live_server(tmp_path_factory.mktemp("console") / "data") as running:
        yield running


@pytest.fixture
def visiting(browser: Browser, server: LiveServer) -> Iterator[Callable[..., Visit]]:
    """Opens browsers of this test's own; fails if any of them complained."""
    visits: list[Visit] = []

    def visit(url: str = "", scheme: str = "light", size: tuple[int, int] = WIDE, **options: Any) -> Visit:
        visits.append(Visit(browser, url or server.url, scheme, size, **options))
        return visits[-1]

    with ExitStack() as stack:
        yield visit
        for one in visits:
            stack.callback(one.close)
    assert [complaint for one in visits for complaint in one.complaints.left()] == []


@pytest.fixture
def visit(visiting: Callable[..., Visit]) -> Visit:
    """A browser of this test's own on the file's server."""
    return visiting()


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Starts servers of this test's own; they and their droplets end with it."""
    with ExitStack() as stack:
        yield lambda name="data", port=0, **settings: stack.enter_context(
            live_server(tmp_path / name, port, **settings)
        )
