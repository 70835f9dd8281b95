from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from clustergenie.cli import main
from tests.client.toy_api import ToyApi, running


class Said(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


@pytest.fixture
def api() -> Iterator[ToyApi]:
    with running() as toy:
        yield toy


@pytest.fixture
def cli(api: ToyApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run one command line in this process, against the toy server, with a home of its own."""
    for name in ("CLUSTERGENIE_TOKEN", "CLUSTERGENIE_TOKEN_FILE", "CLUSTERGENIE_OUTPUT", "CLUSTERGENIE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLUSTERGENIE_SERVER", api.url)
    monkeypatch.setenv("CLUSTERGENIE_CLI_CONFIG", str(tmp_path / "cli.toml"))
    monkeypatch.setenv("CLUSTERGENIE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Said:
        code = main(list(words))
        return Said(code, *capsys.readouterr())

    return run
