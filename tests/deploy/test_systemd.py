import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deploy.judges import DEPLOY, good, judge
from tests.live_server import PROGRAM

UNITS = {"clustergenie.service": "clustergenie.service", "clustergenie@.service": "clustergenie@worker.service"}
MOST_EXPOSED = {
    "clustergenie.service": 35,
    "clustergenie@.service": 15,
}  # tenths; 100 is a service without any protection


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Path]:
    """Both units as they would be installed, with a program that is here."""
    found = {}
    program = f'"{sys.executable}"'  # a checkout may have a space in its name
    for name, installed in UNITS.items():
        text = (DEPLOY / "systemd" / name).read_text().replace("/opt/clustergenie/bin/clustergenie", program)
        found[name] = tmp_path / installed
        found[name].write_text(text)
    return found


@pytest.mark.parametrize("name", UNITS)
def test_systemd_has_nothing_against_a_unit(name: str, units: dict[str, Path]) -> None:
    told = judge("systemd-analyze", "verify", "--man=no", units[name])
    good(told)
    assert str(units[name].name) not in told.stderr, told.stderr


def test_a_setting_that_systemd_does_not_know_is_caught(units: dict[str, Path]) -> None:
    unit = units["clustergenie.service"]
    unit.write_text(unit.read_text().replace("NoNewPrivileges=", "NoNewPriviledges="))
    assert "NoNewPriviledges" in judge("systemd-analyze", "verify", "--man=no", unit).stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_exposes_little(name: str, units: dict[str, Path]) -> None:
    good(judge("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED[name]}", units[name]))


def test_droplets_outlive_the_control_plane_on_their_machine_and_every_end_has_its_time() -> None:
    one, several = ((DEPLOY / "systemd" / name).read_text() for name in UNITS)
    assert "\nKillMode=process\n" in one
    assert "\nKillMode=mixed\n" in several
    for text in (one, several):
        stop = re.search(r"^TimeoutStopSec=(\d+)s$", text, re.MULTILINE)
        assert stop
        assert int(stop[1]) >= 45


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager's end of the notification socket, and its address as systemd writes it."""
    name = f"clustergenie-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name if request.param == "abstract" else name)
        listening.settimeout(60)
        yield ("@" + name if request.param == "abstract" else name), listening


def test_the_service_manager_is_told_when_requests_are_answered_and_when_the_end_begins(
    manager: tuple[str, socket.socket], tmp_path: Path
) -> None:
    address, listening = manager
    server = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--data-dir", str(tmp_path / "data"), "--port", "0"],
        env={**os.environ, "NOTIFY_SOCKET": address},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert listening.recv(100) == b"READY=1"
        url = urlsplit(json.loads((tmp_path / "data" / "serve.json").read_text())["url"])
        socket.create_connection((url.hostname, url.port), timeout=5).close()
        server.terminate()
        assert listening.recv(100) == b"STOPPING=1"
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
