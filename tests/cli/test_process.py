"""What only a real process shows: exit codes, streams, signals, terminals, and what gets imported."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.samples import cluster, job, page
from tests.client.toy_api import Sse, ToyApi
from tests.waiting import poll_until

PROGRAM = str(Path(sys.executable).with_name("clustergenie"))
SERVER_CODE = {"litestar", "sqlalchemy", "uvicorn", "alembic", "structlog", "msgspec", "prometheus_client", "rich"}
REPORT = """
import json, sys
from clustergenie.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


@pytest.fixture
def environment(api: ToyApi, tmp_path: Path) -> dict[str, str]:
    api.on("GET", "/clusters", page("clusters", cluster()))
    api.on("GET", "/clusters/cluster-1", {"cluster": cluster()})
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CLUSTERGENIE_")}
    ours.pop("CI", None)
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
    return {**ours, **places, "CLUSTERGENIE_SERVER": api.url, "TERM": "xterm", "COLUMNS": "200"}


def run(environment: dict[str, str], *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload,no-any-return]


def modules_of(environment: dict[str, str], *words: str) -> tuple[int, set[str]]:
    ran = subprocess.run(
        [sys.executable, "-c", REPORT, *words], env=environment, capture_output=True, text=True, timeout=60
    )
    code, names = json.loads(ran.stderr)
    return code, set(names)


@pytest.mark.parametrize("words", [["cluster", "list"], ["cluster", "get", "web", "-o", "json"]])
def test_a_client_command_loads_no_server_code(environment: dict[str, str], words: list[str]) -> None:
    code, loaded = modules_of(environment, *words)
    assert code == 0
    assert {name for name in loaded if name.partition(".")[0] in SERVER_CODE} == set()
    assert {name for name in loaded if name.startswith("clustergenie.platform")} == set()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["help", "exit-codes"], [], ["cluster", "--help"]])
def test_what_must_be_instant_does_not_load_the_parser(environment: dict[str, str], words: list[str]) -> None:
    code, loaded = modules_of(environment, *words)
    assert code == 0
    assert not {"cyclopts", "rich", "http.client", "json.tool"} & loaded


def test_names_complete_without_the_parser(environment: dict[str, str]) -> None:
    code, loaded = modules_of(environment, "__complete", "cluster", "get", "")
    assert code == 0
    assert not {"cyclopts", "rich"} & loaded


def test_exit_codes_reach_the_shell(environment: dict[str, str]) -> None:
    assert run(environment, "--version").stdout.startswith("clustergenie ")
    assert run(environment, "cluster", "list", "-o", "name").stdout == "cluster-1\n"
    assert run(environment, "cluster", "get", "nope").returncode == 5
    assert run(environment, "cluster", "conjure").returncode == 2


def test_a_reader_that_went_away_is_no_crash(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [PROGRAM, "cluster", "list"], env=environment, stdout=writing, stderr=subprocess.PIPE, timeout=60
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_ctrl_c_lets_the_work_go_on_and_says_how_to_come_back(api: ToyApi, environment: dict[str, str]) -> None:
    hold = threading.Event()
    api.on("GET", "/jobs/job-scale-1", {"job": job("running")})
    api.on("GET", "/jobs/job-scale-1/events", page("events"))
    api.on("GET", "/events/stream", Sse([": hello\n\n"], hold))
    watcher = subprocess.Popen([PROGRAM, "job", "watch", "job-scale-1"], env=environment, stderr=subprocess.PIPE)
    poll_until(lambda: api.calls("GET", "/jobs/job-scale-1/events"))
    watcher.send_signal(signal.SIGINT)
    _, said = watcher.communicate(timeout=30)
    hold.set()
    assert watcher.returncode == 130
    assert b"Resume with: clustergenie job watch job-scale-1" in said
    assert b"Traceback" not in said


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("typed", "code"), [(b"web\n", 0), (b"wed\n", 1)])
def test_a_cluster_is_deleted_only_when_its_name_is_typed(
    api: ToyApi, environment: dict[str, str], terminal: tuple[int, int], typed: bytes, code: int
) -> None:
    api.on("DELETE", "/clusters/cluster-1", (202, {"cluster": cluster(status="deleting")}))
    ours, theirs = terminal
    os.write(ours, typed)
    ran = subprocess.run(
        [PROGRAM, "cluster", "delete", "web", "--no-wait"],
        env=environment,
        stdin=theirs,
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode == code
    assert b"This deletes cluster 'web' and its 1 droplet" in ran.stderr
    assert len(api.calls("DELETE", "/clusters/cluster-1")) == (1 if code == 0 else 0)


def test_a_terminal_gets_a_bar_and_colour_and_a_pipe_gets_neither(
    api: ToyApi, environment: dict[str, str], terminal: tuple[int, int]
) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    api.on("GET", "/jobs/job-scale-1", {"job": job("completed", progress=100)})
    api.on("GET", "/jobs/job-scale-1/events", page("events"))
    ours, theirs = terminal
    words = [PROGRAM, "cluster", "scale", "web", "2"]
    ran = subprocess.run(words, env=environment, stdout=theirs, stderr=theirs, stdin=theirs, timeout=60)
    shown = os.read(ours, 1 << 16).decode()
    assert ran.returncode == 0
    assert "scale web" in shown
    assert "\x1b[32mcompleted" in shown
    ran = subprocess.run([*words, "--watch"], env=environment, capture_output=True, timeout=60)
    assert b"\x1b" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("quiet", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colour_gets_none(
    environment: dict[str, str], terminal: tuple[int, int], quiet: dict[str, str]
) -> None:
    ours, theirs = terminal
    subprocess.run([PROGRAM, "cluster", "list"], env={**environment, **quiet}, stdout=theirs, timeout=60, check=True)
    assert b"\x1b" not in os.read(ours, 1 << 16)


def test_a_setting_that_is_wrong_stops_the_start_with_a_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    ran = run(environment, "serve", "--worker-count", "0", "--data-dir", str(tmp_path / "data"))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: CLUSTERGENIE_WORKER_COUNT (--worker-count) is 0")
    assert not (tmp_path / "data").exists()


def test_bash_completes_commands_options_and_names(environment: dict[str, str]) -> None:
    script = """
        source <("$0" completion bash 2>/dev/null)
        for line in "clu" "cluster l" "cluster get w" "cluster list --reg"; do
            COMP_LINE="clustergenie $line"; read -ra COMP_WORDS <<<"$COMP_LINE"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMPREPLY=(); _clustergenie; echo "${COMPREPLY[*]}"
        done
    """
    shell = {**environment, "PATH": f"{Path(PROGRAM).parent}:{environment['PATH']}"}
    ran = subprocess.run(["bash", "-c", script, PROGRAM], env=shell, capture_output=True, text=True, timeout=60)
    offered = [line.split() for line in ran.stdout.splitlines()]
    assert "cluster" in offered[0], ran.stderr
    assert "list" in offered[1]
    assert offered[2] == ["web"]
    assert offered[3] == ["--region"]


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "#compdef clustergenie"), ("fish", "complete -c clustergenie")])
def test_other_shells_have_their_script(environment: dict[str, str], shell: str, mark: str) -> None:
    assert mark in run(environment, "completion", shell).stdout
