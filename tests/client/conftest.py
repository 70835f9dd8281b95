from collections.abc import Iterator

import pytest

from clustergenie.client import Client
from tests.client.toy_api import ToyApi, running


@pytest.fixture
def api() -> Iterator[ToyApi]:
    with running() as toy:
        yield toy


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLUSTERGENIE_SERVER", "CLUSTERGENIE_TOKEN", "CLUSTERGENIE_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client(api: ToyApi) -> Iterator[Client]:
    with Client(api.url, timeout=20) as one:
        yield one
