"""The test run itself: it stays on this machine, leaves nothing running, and skips nothing in CI."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import leaks
from tests.loopback import OutsideWorld, is_local
from tests.waiting import poll_until, poll_until_async

ROOT = Path(__file__).parent.parent


SKIPPERS = {
    "module": "import pytest\npytest.skip('not today', allow_module_level=True)",
    "mark": "import pytest\n@pytest.mark.skip\ndef test_it(): pass",
    "call": "import pytest\ndef test_it(): pytest.skip('not today')",
    "expected": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
    "setup": "import pytest\n@pytest.fixture\ndef x(): pytest.importorskip('no_such_thing')\ndef test_it(x): pass",
}


def run_pytest(folder: Path, tests: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own with our conftest, on files of these names and texts."""
    (folder / "conftest.py").write_text("from tests.conftest import *\nfrom tests.conftest import _not_skipped\n")
    for name, text in tests.items():
        (folder / f"test_{name}.py").write_text(text)
    inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "CG_TEST_RUN", "PYTEST_XDIST_WORKER")}
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", folder, "--import-mode=importlib"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:schemathesis", "-rs", folder],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
    )


def test_what_is_skipped_elsewhere_fails_in_ci(tmp_path: Path) -> None:
    tests = SKIPPERS | {"good": "def test_it(): pass"}
    elsewhere = run_pytest(tmp_path, tests)
    assert "1 passed, 4 skipped, 1 xfailed" in elsewhere.stdout.splitlines()[-1]
    assert elsewhere.returncode == 0
    in_ci = run_pytest(tmp_path, tests, CI="true")
    assert in_ci.stdout.count("Nothing may be skipped") == 1
    assert "1 error" in in_ci.stdout.splitlines()[-1]  # a module that cannot be collected stops the run
    in_ci = run_pytest(tmp_path, {"module": "def test_it(): pass"}, CI="true")
    assert in_ci.stdout.count("Nothing may be skipped") == 4
    assert "2 failed, 2 passed, 2 errors" in in_ci.stdout.splitlines()[-1]
    assert in_ci.returncode == 1


def test_a_process_left_behind_is_ended_and_fails_the_run(tmp_path: Path) -> None:
    leak = "import subprocess\ndef test_it(): subprocess.Popen(['sleep', '600'])"
    told = run_pytest(tmp_path, {"leak": leak})
    assert told.returncode == 1
    assert "left processes running" in told.stdout
    assert "sleep 600" in told.stdout
    assert "1 passed, 1 error" in told.stdout.splitlines()[-1]


def test_only_processes_of_the_named_run_are_found_and_ended() -> None:
    mine = subprocess.Popen(["sleep", "600"], env={"CG_TEST_RUN": "one-of-mine"})
    other = subprocess.Popen(["sleep", "600"], env={"CG_TEST_RUN": "one-of-mine-too"})
    try:
        poll_until(lambda: mine.pid in leaks.processes_of("one-of-mine"), 5)
        assert list(leaks.processes_of("one-of-mine")) == [mine.pid]
        assert leaks.end_processes_of("one-of-mine", grace_seconds=0) == [f"  {mine.pid}: sleep 600"]
        assert mine.wait(30) == -9
        assert other.poll() is None
    finally:
        for process in (mine, other):
            process.kill()
            process.wait()


def test_a_process_is_found_from_its_first_moment() -> None:
    for _ in range(50):
        process = subprocess.Popen(["sleep", "600"], env={"CG_TEST_RUN": "one-just-born"})
        found = leaks.processes_of("one-just-born")
        process.kill()
        process.wait()
        assert process.pid in found


def test_a_connection_to_the_outside_is_refused() -> None:
    with socket.socket() as tcp, pytest.raises(OutsideWorld, match=r"192\.0\.2\.1"):
        tcp.connect(("192.0.2.1", 80))
    with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(OutsideWorld):
        udp.sendto(b"", ("192.0.2.1", 53))
    with pytest.raises(OutsideWorld, match="example"):
        socket.getaddrinfo("example.invalid", 80)


def test_a_connection_on_this_machine_is_let_through(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)), socket.create_connection(("localhost", free_port)):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost", b"localhost", None])
def test_loopback_is_local(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "8.8.8.8", "fe80::1%eth0", "example.invalid"])
def test_everywhere_else_is_not(host: str) -> None:
    assert not is_local(host)


def test_waiting_ends_with_the_first_true_answer() -> None:
    answers = iter([0, None, 7])
    assert poll_until(lambda: next(answers), 5) == 7


def test_waiting_in_vain_says_what_was_seen_last() -> None:
    def not_yet() -> bool:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(AssertionError, match="Still not so") as told:
        poll_until(not_yet, 0.05)
    assert isinstance(told.value.__cause__, ConnectionRefusedError)


def test_a_seed_is_the_same_all_through_a_run(seed: int) -> None:
    assert str(seed) == os.environ["CG_SEED"]


def test_waiting_works_in_a_coroutine_too() -> None:
    async def answer() -> int:
        return 7

    assert asyncio.run(poll_until_async(answer, 5)) == 7
