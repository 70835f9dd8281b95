"""A server of its own for each file: one that has little patience, so that nobody has to wait for it to lose it."""

from collections.abc import Iterator

import pytest

from tests.live_server import LiveServer, live_server

ORIGIN = "https://app.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of a file."""
    settings = {
        "CLUSTERGENIE_SLOW_CLIENT_SECONDS": "1",
        "CLUSTERGENIE_ALLOWED_HOSTS": "genie.example.org,*.fleet.example.org",
        "CLUSTERGENIE_CORS_ORIGINS": ORIGIN,
    }
    with live_server(tmp_path_factory.mktemp("server") / "data", **settings) as running:
        yield running
