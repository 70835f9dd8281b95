import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clustergenie.cli.stop import started_at
from tests.cli.conftest import Cli

OBEDIENT = "import sys, time; sys.stdout.write('.'); sys.stdout.flush(); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {OBEDIENT}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def spawned() -> Iterator[list[subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []
    yield children
    for child in children:
        child.kill()
        child.communicate()


def a_server(
    spawned: list[subprocess.Popen[bytes]], home: Path, program: str, **changed: Any
) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    spawned.append(child)
    assert child.stdout
    child.stdout.read(1)  # it runs, and has its signal handlers
    told = {"pid": child.pid, "start": int(started_at(child.pid) or 0), "url": "http://127.0.0.1:8080", **changed}
    (home / "serve.json").write_text(json.dumps(told))
    return child


def test_a_server_is_asked_to_end_and_waited_for(cli: Cli, home: Path, spawned: list[subprocess.Popen[bytes]]) -> None:
    child = a_server(spawned, home, OBEDIENT)
    said = cli("stop")
    assert said.code == 0
    assert f"Stopped the server (pid {child.pid})" in said.err
    assert child.wait(30) == -signal.SIGTERM


def test_a_server_that_does_not_end_is_killed(cli: Cli, home: Path, spawned: list[subprocess.Popen[bytes]]) -> None:
    child = a_server(spawned, home, STUBBORN)
    assert cli("stop", "--grace", "0.2s").code == 0
    assert child.wait(30) == -signal.SIGKILL


def test_a_stranger_with_the_same_pid_is_left_alone(
    cli: Cli, home: Path, spawned: list[subprocess.Popen[bytes]]
) -> None:
    child = a_server(spawned, home, OBEDIENT, start=1)
    said = cli("stop")
    assert (said.code, "No server runs" in said.err) == (0, True)
    assert child.poll() is None


def test_without_a_server_there_is_nothing_to_stop(cli: Cli, home: Path) -> None:
    assert cli("stop") == (0, "", f"No server runs on {home}.\n")
    assert cli("stop", "--droplets").err.endswith("Ended 0 local droplets.\n")


def test_a_pid_file_that_is_none_is_not_guessed_at(cli: Cli, home: Path) -> None:
    (home / "serve.json").write_text("{")
    said = cli("stop")
    assert said.code == 1
    assert "serve.json is not a pid file" in said.err
