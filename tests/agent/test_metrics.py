"""An agent measures what it is told to: a control group of either version, or the whole machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.control_plane import ControlPlane
from tests.agent.droplets import Droplet
from tests.waiting import poll_until

V2 = {
    "cpu.stat": "usage_usec 1000000\nnr_periods 100\nnr_throttled 0\n",
    "memory.current": "300000000\n",
    "memory.stat": "anon 1\ninactive_file 50000000\nactive_file 50000000\n",
    "memory.events": "low 0\noom 3\noom_kill 2\n",
    "pids.current": "7\n",
}
V1 = {
    "cpuacct.usage": "1000000000\n",
    "cpu.stat": "nr_periods 100\nnr_throttled 0\n",
    "memory.usage_in_bytes": "300000000\n",
    "memory.stat": "inactive_file 9\ntotal_inactive_file 50000000\ntotal_active_file 50000000\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "pids.current": "7\n",
}


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as found:
        yield found


def latest(plane: ControlPlane) -> dict[str, Any]:
    found: dict[str, Any] = plane.heartbeats[-1]["metrics"] if plane.heartbeats else {}
    return found


def write(directory: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        fresh = directory / f"{name}.new"
        fresh.write_text(content)
        fresh.rename(directory / name)


@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)])
def test_a_control_group_is_read_in_either_version(
    tmp_path: Path, plane: ControlPlane, version: int, files: dict[str, str]
) -> None:
    group = tmp_path / "group"
    group.mkdir()
    write(group, files)
    controllers = ("cpu", "memory", "pids") if version == 2 else ("cpu", "cpuacct", "memory", "pids")
    cgroups = {"version": version, **dict.fromkeys(controllers, str(group))}
    droplet = Droplet(tmp_path / "d", plane.url, cgroups=cgroups).start()
    try:
        seen = poll_until(lambda: latest(plane) if "cpu" in latest(plane) else {})
        assert (group / "cgroup.procs").read_text() == "0"
        assert seen["memory_bytes"] == 200_000_000
        assert seen["oom_kills"] == 2
        assert seen["processes"] == 7
        assert seen["cpu"] == 0
        busier = {
            "cpu.stat": "usage_usec 61000000\nnr_periods 200\nnr_throttled 50\n",
            "cpuacct.usage": "61000000000\n",
        }
        write(group, {name: busier[name] for name in busier if name in files})
        poll_until(lambda: any(beat["metrics"].get("cpu", 0) > 100 for beat in plane.heartbeats))
        poll_until(lambda: any(beat["metrics"].get("throttled_percent") == 50 for beat in plane.heartbeats))
    finally:
        droplet.stop()


def test_a_whole_machine_is_measured_as_one(tmp_path: Path, plane: ControlPlane) -> None:
    droplet = Droplet(tmp_path / "d", plane.url, scope="host").start()
    try:
        seen = poll_until(lambda: latest(plane) if "cpu" in latest(plane) else {})
        total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        assert seen["memory_limit_bytes"] == total
        assert 0 < seen["memory"] < 100
        assert 0 <= seen["cpu"] <= 100
        assert 0 < seen["disk"] < 100
        assert seen["load1"] >= 0
        assert seen["processes"] > 1
        assert seen["network_shared"] is False
    finally:
        droplet.stop()


def test_a_group_that_cannot_be_joined_is_said_and_done_without(tmp_path: Path, plane: ControlPlane) -> None:
    cgroups = {"version": 1, "memory": str(tmp_path / "nowhere")}
    droplet = Droplet(tmp_path / "d", plane.url, cgroups=cgroups).start()
    try:
        poll_until(lambda: plane.heartbeats)
        assert "cannot join" in droplet.said()
        assert latest(plane)["memory_bytes"] > 0
        assert Path(f"/proc/{droplet.pid}").exists()
    finally:
        droplet.stop()


def test_what_is_not_known_is_left_out(tmp_path: Path, plane: ControlPlane) -> None:
    droplet = Droplet(tmp_path / "d", plane.url, size={"vcpus": 1}).start()
    try:
        poll_until(lambda: plane.heartbeats)
        assert {"memory", "memory_limit_bytes", "disk", "throttled_percent", "load1"}.isdisjoint(latest(plane))
        assert None not in latest(plane).values()
    finally:
        droplet.stop()
