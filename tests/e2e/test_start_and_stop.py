"""start.sh and stop.sh, run as a person runs them: from elsewhere, and with a space in the path."""

import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP_SECONDS = 240  # the first run may have to make the virtual environment


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "a data folder"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs a script of ours on this test's data folder, and stops whatever it started at the end."""

    def script(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
        command = [ROOT / name, "--data-dir", data, *flags]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SETUP_SECONDS)

    yield script
    script("stop.sh")


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return int(reply.status)


def test_detached_it_answers_until_it_is_stopped(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    started = run("start.sh", "--detach", "--port", "0")
    assert started.returncode == 0, started.stderr
    url = re.search(r"http://[\w.:]+", started.stdout)
    assert url, started.stdout
    assert status(f"{url[0]}/readyz") == 200
    assert "stop.sh" in started.stdout

    stopped = run("stop.sh")
    assert stopped.returncode == 0, stopped.stderr
    with pytest.raises(urllib.error.URLError):
        status(f"{url[0]}/readyz")
    assert run("stop.sh").returncode == 0


def test_a_second_start_says_who_is_there_and_leaves_it_alone(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    first = run("start.sh", "--detach", "--port", "0")
    url = re.search(r"http://[\w.:]+", first.stdout)
    assert url, first.stderr
    second = run("start.sh", "--detach", "--port", "0")
    assert second.returncode == 1
    assert "did not start" in second.stderr
    assert "Another ClusterGenie process" in second.stderr
    assert status(f"{url[0]}/readyz") == 200


def test_a_port_in_use_is_said_in_a_sentence(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = run("start.sh", "--detach", "--port", port)
    assert told.returncode == 1
    assert port in told.stderr
    assert "Traceback" not in told.stderr


def test_a_wrong_flag_is_said_in_a_sentence(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    told = run("start.sh", "--port", "eighty")
    assert told.returncode != 0
    assert "eighty" in told.stderr
    assert "Traceback" not in told.stderr


def test_stopping_what_never_ran_is_fine(run: Callable[..., subprocess.CompletedProcess[str]], data: Path) -> None:
    told = run("stop.sh")
    assert told.returncode == 0
    assert "Nothing to stop" in told.stdout
    assert not data.exists()
