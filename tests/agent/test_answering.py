"""An agent answers on its droplet's own address, whoever knocks and however rudely."""

import ast
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.control_plane import ControlPlane
from tests.agent.droplets import AGENT, Droplet, visit
from tests.waiting import poll_until

ADDRESS = "127.77.250.9"


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as found:
        yield found


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def droplet(tmp_path: Path, plane: ControlPlane, port: int) -> Iterator[Droplet]:
    found = Droplet(tmp_path / "droplet", plane.url, address=ADDRESS, port=port, cluster_id="cluster-1")
    yield found
    found.stop()


def talk(port: int, content: bytes) -> bytes:
    """Send bytes and read to the end."""
    with socket.create_connection((ADDRESS, port), timeout=10) as link:
        link.sendall(content)
        reply = b""
        while more := link.recv(65536):
            reply += more
        return reply


def test_it_says_which_droplet_it_is_and_how_it_is(plane: ControlPlane, droplet: Droplet, port: int) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    status, about = visit(ADDRESS, port)
    assert status == 200
    assert about.pop("uptime_seconds") > 0
    assert about == {"droplet_id": "droplet-1", "cluster_id": "cluster-1", "status": "active"}
    assert visit(ADDRESS, port, "/healthz")[0] == 200
    assert plane.enrolments[0]["address"] == ADDRESS
    assert plane.enrolments[0]["port"] == port


def test_it_is_not_healthy_before_it_is_enrolled_or_once_it_is_refused(
    plane: ControlPlane, droplet: Droplet, port: int
) -> None:
    plane.script("enroll", (503, {"Retry-After": "300"}))
    droplet.start()
    droplet.hears("answered 503")
    assert visit(ADDRESS, port, "/healthz")[0] == 503
    assert visit(ADDRESS, port)[1]["status"] == "enrolling"
    plane.tokens.clear()
    os.utime(droplet.bootstrap, (1, 1))
    droplet.hears("REFUSED")
    assert visit(ADDRESS, port)[1]["status"] == "refused"


def test_it_says_that_it_is_draining(plane: ControlPlane, droplet: Droplet, port: int) -> None:
    plane.directive = "drain"
    droplet.start()
    poll_until(lambda: visit(ADDRESS, port)[1]["status"] == "draining")
    assert visit(ADDRESS, port, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /?a=b HTTP/1.0\r\n\r\n", b"200"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"405"),
        (b"HEAD / HTTP/1.1\r\n\r\n", b"200"),
        (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000, b"431"),
    ],
)
def test_each_request_gets_its_answer(
    plane: ControlPlane, droplet: Droplet, port: int, request_bytes: bytes, status: bytes
) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    try:
        reply = talk(port, request_bytes)
    except ConnectionResetError:  # it does not read a request that is too large to its end
        assert status == b"431"
        return
    assert reply.split(b" ", 2)[1] == status
    assert reply.endswith(b"\r\n\r\n") == request_bytes.startswith(b"HEAD")


def test_visitors_who_say_nothing_do_not_keep_others_out(plane: ControlPlane, droplet: Droplet, port: int) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    silent = [socket.create_connection((ADDRESS, port), timeout=10) for _ in range(200)]
    try:
        assert visit(ADDRESS, port, "/healthz")[0] == 200
        seen = len(plane.heartbeats)
        poll_until(lambda: len(plane.heartbeats) > seen)
        for link in silent:  # each is cut off in time
            link.settimeout(15)
            assert link.recv(1) == b""
    finally:
        for link in silent:
            link.close()


def test_a_server_that_hangs_does_not_keep_visitors_waiting(plane: ControlPlane, droplet: Droplet, port: int) -> None:
    def hang() -> int:
        poll_until(lambda: visited)
        return 500

    visited: list[int] = []
    plane.script("heartbeat", hang)
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    visited.append(visit(ADDRESS, port)[0])
    assert visited == [200]


def test_an_address_that_is_taken_ends_it_with_its_own_code(plane: ControlPlane, droplet: Droplet, port: int) -> None:
    with socket.socket() as squatter:
        squatter.bind((ADDRESS, port))
        squatter.listen()
        assert droplet.start().exit_code() == 4
    assert "cannot answer on" in droplet.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_what_runs_in_the_droplet(plane: ControlPlane, droplet: Droplet, number: int) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    environment = {"PATH": os.environ["PATH"], "CG_DROPLET_ID": "droplet-1", "CG_STATE_DIR": str(droplet.state)}
    script = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, env=environment, stdout=subprocess.PIPE
    ) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        os.kill(droplet.pid, number)
        assert droplet.exit_code(15) == 0
        assert stubborn.wait(30) == -signal.SIGKILL


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_it_takes_in_and_reaps_processes_that_lost_their_parent(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start(below='sh -c "sleep 0.7; (sleep 600 &)" & exec "$@"')
    poll_until(lambda: plane.heartbeats)
    (parent,) = children(droplet.pid)
    (orphan,) = poll_until(lambda: [pid for pid in children(droplet.pid) if pid != parent])
    poll_until(lambda: children(droplet.pid) == [orphan])
    os.kill(orphan, signal.SIGKILL)
    poll_until(lambda: children(droplet.pid) == [])


def test_it_costs_little_while_nothing_happens(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: len(plane.heartbeats) >= 5)
    resident = [line for line in Path(f"/proc/{droplet.pid}/status").read_text().splitlines() if "VmRSS" in line]
    assert int(resident[0].split()[1]) < 25_000


def test_it_never_ends_a_session_that_is_not_its_own(tmp_path: Path, plane: ControlPlane) -> None:
    """Started by hand from a shell, the session is the shell's."""
    droplet = Droplet(tmp_path / "d", plane.url)
    command = '"$0" -I -S "$1" --bootstrap "$2" --state "$3" & wait $!; echo alive'
    with subprocess.Popen(
        ["sh", "-c", command, sys.executable, str(AGENT), str(droplet.bootstrap), str(droplet.state)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as shell:
        poll_until(lambda: plane.heartbeats)
        os.kill(droplet.stored("process.json")["pid"], signal.SIGTERM)
        assert shell.communicate(timeout=15)[0] == "alive\n"


def test_it_is_one_file_of_old_python_and_nothing_else() -> None:
    source = AGENT.read_text()
    assert len(source.encode()) <= 40 * 1024
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_it_runs_on_python_3_9_where_there_is_one(tmp_path: Path, plane: ControlPlane) -> None:
    found = sorted((Path.home() / ".pyenv" / "versions").glob("3.9.*/bin/python"))
    old = str(found[0]) if found else sys.executable
    droplet = Droplet(tmp_path / "d", plane.url, python=old).start()
    try:
        poll_until(lambda: len(plane.heartbeats) >= 2)
    finally:
        droplet.stop()
