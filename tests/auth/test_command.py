"""The command line with keys: kept per server and for nobody else to read, refused with 4, and the way back in."""

import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from clustergenie.cli import main
from tests.auth.access import Access, call

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cli.toml"


@pytest.fixture
def run(access: Access, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, stdout and stderr of one command line on that server."""
    monkeypatch.setenv("CLUSTERGENIE_CLI_CONFIG", str(kept))
    monkeypatch.setenv("CLUSTERGENIE_SERVER", access.server.url)
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("CLUSTERGENIE_KEY", "CLUSTERGENIE_TOKEN", "CLUSTERGENIE_TOKEN_FILE", "CLUSTERGENIE_OUTPUT"):
        monkeypatch.delenv(name, raising=False)

    def once(*words: str, stdin: str = "", **environment: str) -> tuple[int, str, str]:
        with monkeypatch.context() as inner:
            inner.setattr("sys.stdin", io.StringIO(stdin))
            for name, value in environment.items():
                inner.setenv(name, value)
            code = main(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return once


def test_a_key_is_kept_for_one_server_and_for_nobody_else_to_read(run: Run, access: Access, kept: Path) -> None:
    assert run("cluster", "list")[0] == 4
    assert run("login", stdin="cg_wrong\n")[0] == 4
    assert not kept.exists()
    code, out, err = run("login", stdin=f"{access.admin}\n")
    assert (code, out) == (0, "")
    assert "admin on all clusters" in err
    assert access.admin not in err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run("whoami", "-o", "name")[1].startswith("key:key-")
    assert run("config", "set", "output", "table")[0] == 0  # and the key stays
    assert run("cluster", "list")[0] == 0
    elsewhere = access.server.url.replace("127.0.0.1", "localhost")
    assert run("cluster", "list", "--server", elsewhere)[0] == 4
    assert run("logout")[0] == 0
    assert run("whoami")[0] == 4


def test_a_key_is_made_used_replaced_and_ended(run: Run, access: Access) -> None:
    admin = {"CLUSTERGENIE_KEY": access.admin}
    code, secret, err = run("key", "create", "ci", "--role", "viewer", "--expires", "1d", **admin)
    assert code == 0
    assert "viewer on all clusters" in err
    viewer = {"CLUSTERGENIE_KEY": secret.strip()}
    assert run("cluster", "list", **viewer)[0] == 0
    assert run("cluster", "create", "x", **viewer)[0] == 4
    assert run("key", "list", **viewer)[0] == 4
    assert run("key", "rotate", "ci", "--yes", **admin)[0] == 0
    assert run("cluster", "list", **viewer)[0] == 4
    assert run("key", "revoke", "ci", "--yes", **admin)[0] == 0
    assert run("key", "revoke", "nobody", "--yes", **admin)[0] == 5
    assert run("key", "create", "x", "--role", "viewer", "--expires", "never", **admin)[0] == 2
    assert "ci" in run("key", "list", "--status", "revoked", **admin)[1]


def test_who_has_the_data_gets_in_again(run: Run, access: Access) -> None:
    code, link, _ = run("auth", "setup-link", "--data-dir", str(access.server.data_dir))
    assert code == 0
    assert link.startswith(f"{access.server.url}/setup#token=cgu_")
    body = {"token": link.strip().partition("token=")[2], "name": "again"}
    assert call(access.port, "POST", "/api/v1/auth/setup", body=body).status == 201


def test_a_browser_is_logged_out_from_the_command_line(run: Run, access: Access) -> None:
    admin = {"CLUSTERGENIE_KEY": access.admin}
    assert access.call("POST", "/auth/login", body={"key": access.admin}).status == 200
    session = run("session", "list", "-o", "name", **admin)[1].split()[0]
    assert run("session", "revoke", session, "--yes", **admin)[0] == 0
    assert session not in run("session", "list", "-o", "name", **admin)[1]
