"""Servers of their own for the tests that use them up, and one for a whole file that only look."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live_server import LiveServer, live_server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Starts servers on data directories of this test; they and their droplets end with it."""
    with ExitStack() as stack:
        yield lambda name="data", port=0, **settings: stack.enter_context(
            live_server(tmp_path / name, port, **settings)
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of a file."""
    with live_server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running
