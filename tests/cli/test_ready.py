import pytest

from tests.cli.conftest import Cli
from tests.client.toy_api import ToyApi, problem


def test_a_server_that_takes_requests_is_ready(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "//readyz", {"status": "ready", "dependencies": {"database": "ok"}})
    said = cli("ready")
    assert said.code == 0
    assert f"{api.url} is ready." in said.err


def test_a_server_that_takes_none_is_not_and_is_asked_once(api: ToyApi, cli: Cli) -> None:
    asked = []
    api.on("GET", "//readyz", lambda _: asked.append(1) or problem(503, "not-ready", "database: it is locked."))
    said = cli("ready")
    assert said.code == 1
    assert "database: it is locked." in said.err
    assert len(asked) == 1


def test_without_a_named_server_the_one_of_these_settings_is_asked(
    free_port: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLUSTERGENIE_SERVER")
    monkeypatch.setenv("CLUSTERGENIE_PORT", str(free_port))
    said = cli("ready")
    assert said.code == 1
    assert f"No ClusterGenie server answered at http://127.0.0.1:{free_port}" in said.err
