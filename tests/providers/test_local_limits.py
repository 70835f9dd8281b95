"""A local droplet is held to its size, measures itself, and can be entered."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clustergenie.providers import LocalDriver, local
from clustergenie.providers.local import limits, processes, records
from clustergenie.providers.sizes import FREE_SIZES
from tests.agent.control_plane import ControlPlane
from tests.providers.accounts import LocalAccount, opened
from tests.providers.orders import NOWHERE, OURS, order
from tests.waiting import poll_until

BURN = "import time\nuntil = time.monotonic() + 60\nwhile time.monotonic() < until: pass"
SMALLEST = "s-1vcpu-512mb-10gb"
HOLD = "import sys,time; held = bytearray({} << 20); print('held', flush=True); time.sleep(600)"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[LocalAccount]:
    found = LocalAccount(tmp_path / "data")
    yield found
    found.cancel()


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as found:
        yield found


def start(account: LocalAccount, plane: ControlPlane, *, limit: bool = True, size: str = SMALLEST) -> Path:
    """One enrolled droplet, left by its control plane; its directory."""
    asyncio.run(_start(account, plane, limit, size))
    poll_until(lambda: len(plane.heartbeats) >= 2)
    return records.root_of(account.data_dir) / "droplet-1"


async def _start(account: LocalAccount, plane: ControlPlane, limit: bool, size: str) -> None:
    async with opened(LocalDriver("here", account.data_dir, OURS, plane.url, limit=limit)) as driver:
        await driver.create(order(size=size, server=plane.url))


def inside(account: LocalAccount, script: str) -> int:
    """Run Python in the droplet, detached."""
    return local.enter_detached(account.data_dir, "droplet-1", [sys.executable, "-I", "-S", "-c", script])


def metrics(plane: ControlPlane) -> dict[str, Any]:
    """The latest."""
    found: dict[str, Any] = plane.heartbeats[-1]["metrics"]
    return found


def limited() -> bool:
    """Whether this computer lets us make control groups."""
    return bool(limits.probe(Path("/")).parents)


@pytest.mark.parametrize("limit", [True, False])
def test_every_metric_is_measured_against_the_size(account: LocalAccount, plane: ControlPlane, limit: bool) -> None:
    start(account, plane, limit=limit)
    poll_until(lambda: "cpu" in metrics(plane))
    seen = metrics(plane)
    assert 0 <= seen["cpu"] < 100
    assert seen["memory_limit_bytes"] == 512 << 20
    assert 0 < seen["memory_bytes"] < 100 << 20  # what the agent took before it joined its group counts elsewhere
    assert seen["memory"] == pytest.approx(100 * seen["memory_bytes"] / (512 << 20), abs=0.01)
    assert 0 < seen["disk_bytes"] < 1 << 20
    assert seen["disk"] == pytest.approx(100 * seen["disk_bytes"] / 10e9, abs=0.01)
    assert seen["processes"] == 1
    assert seen["oom_kills"] == 0
    assert seen["network_shared"] is True
    assert seen["network_in"] >= 0
    assert seen["network_out"] >= 0
    assert "load1" not in seen  # the load of the computer is not the droplet's


@pytest.mark.parametrize("limit", [True, False])
def test_burning_cpu_shows(account: LocalAccount, plane: ControlPlane, limit: bool) -> None:
    start(account, plane, limit=limit)
    inside(account, BURN)
    poll_until(lambda: metrics(plane).get("cpu", 0) > 20, 20)
    assert metrics(plane)["processes"] == 2


def test_burning_more_cpu_than_is_allowed_is_throttled_and_said(account: LocalAccount, plane: ControlPlane) -> None:
    state = start(account, plane)
    intent = records.intent(state)
    if not limited() or intent is None:
        assert "throttled_percent" not in metrics(plane)
        return
    # A tenth of a core: the size's own quota might not be reached where everybody wants the few cores there are.
    group = Path(str(intent.cgroups["cpu"]))
    if intent.cgroups["version"] == 2:
        (group / "cpu.max").write_text("10000 100000")
    else:
        (group / "cpu.cfs_quota_us").write_text("10000")
    inside(account, BURN)
    poll_until(lambda: metrics(plane).get("throttled_percent", 0) > 0)


def test_a_file_in_the_droplet_shows_on_its_disk(account: LocalAccount, plane: ControlPlane) -> None:
    state = start(account, plane)
    assert local.enter(account.data_dir, "droplet-1", ["sh", "-c", "head -c 50000000 /dev/zero > ballast"]) == 0
    assert (state / "root" / "ballast").stat().st_size == 50_000_000
    poll_until(lambda: metrics(plane)["disk_bytes"] > 49_000_000, 20)


def test_page_cache_does_not_count_as_memory(account: LocalAccount, plane: ControlPlane) -> None:
    start(account, plane)
    assert local.enter(account.data_dir, "droplet-1", ["sh", "-c", "head -c 200000000 /dev/zero > big; cat big"]) == 0
    seen = len(plane.heartbeats)
    poll_until(lambda: len(plane.heartbeats) > seen + 1)
    assert metrics(plane)["memory_bytes"] < 100 << 20


@pytest.mark.parametrize("limit", [True, False])
def test_more_memory_than_the_size_has_is_ended_and_the_agent_lives(
    account: LocalAccount, plane: ControlPlane, limit: bool
) -> None:
    start(account, plane, limit=limit)
    agent = plane.enrolments[0]["pid"]
    hog = inside(account, HOLD.format(700))
    poll_until(lambda: metrics(plane)["oom_kills"] >= 1)
    os.waitpid(hog, 0)
    seen = len(plane.heartbeats)
    poll_until(lambda: len(plane.heartbeats) > seen + 1)
    assert processes.look(agent) is not None


@pytest.mark.parametrize("limit", [True, False])
def test_memory_in_use_shows(account: LocalAccount, plane: ControlPlane, limit: bool) -> None:
    start(account, plane, limit=limit)
    inside(account, HOLD.format(300))
    poll_until(lambda: 300 << 20 <= metrics(plane)["memory_bytes"] <= 400 << 20, 20)
    assert metrics(plane)["memory"] > 58


def test_the_groups_of_a_droplet_have_the_limits_of_its_size(account: LocalAccount, plane: ControlPlane) -> None:
    state = start(account, plane, size="s-2vcpu-2gb")
    intent = records.intent(state)
    assert intent is not None
    if not limited():
        assert intent.limits == "memory watched by the agent"
        return
    assert intent.limits == f"cgroup v{intent.cgroups['version']}: cpu, memory, pids"
    memory, pids = Path(str(intent.cgroups["memory"])), Path(str(intent.cgroups["pids"]))
    limit = memory / ("memory.max" if intent.cgroups["version"] == 2 else "memory.limit_in_bytes")
    assert int(limit.read_text()) == 2048 << 20
    assert int((pids / "pids.max").read_text()) == 2 * limits.PIDS_PER_VCPU
    assert str(plane.enrolments[0]["pid"]) in (memory / "cgroup.procs").read_text().split()


def test_a_droplet_without_groups_says_how_it_is_held(account: LocalAccount) -> None:
    async def scenario() -> None:
        async with opened(LocalDriver("here", account.data_dir, OURS, NOWHERE, limit=False)) as driver:
            assert (await driver.create(order())).limits == "memory watched by the agent"
            assert "memory watched by the agent" in (await driver.catalog()).note

    asyncio.run(scenario())


def test_a_command_in_a_droplet_runs_in_its_directory_under_its_mark(
    account: LocalAccount, plane: ControlPlane, capfd: pytest.CaptureFixture[str]
) -> None:
    state = start(account, plane)
    script = 'pwd; echo "$CG_DROPLET_ID $CG_STATE_DIR $CG_INSTALLATION $HOST"; cat /proc/self/cgroup; exit 7'
    assert local.enter(account.data_dir, "droplet-1", ["sh", "-c", script]) == 7
    first, second, *groups = capfd.readouterr().out.splitlines()
    assert first == str(state / "root")
    assert second.startswith(f"droplet-1 {state} ours 127.")
    assert not limited() or any("droplet-1" in line for line in groups)


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["false"], 1), (["no-such-command"], 127), (["/etc"], 126), (["sh", "-c", "kill -9 $$"], 137)],
)
def test_exit_codes_are_as_in_a_shell(
    account: LocalAccount, plane: ControlPlane, command: list[str], code: int
) -> None:
    start(account, plane)
    assert local.enter(account.data_dir, "droplet-1", command) == code


def test_what_a_detached_command_prints_is_kept(account: LocalAccount, plane: ControlPlane) -> None:
    state = start(account, plane)
    pid = local.enter_detached(account.data_dir, "droplet-1", ["sh", "-c", "echo out; echo err >&2"])
    os.waitpid(pid, 0)
    assert sorted((state / "exec.log").read_text().split()) == ["err", "out"]


def test_an_interrupted_command_hears_of_it(account: LocalAccount, plane: ControlPlane) -> None:
    start(account, plane)
    code = (
        "from clustergenie.providers import local\n"
        f"print(local.enter({str(account.data_dir)!r}, 'droplet-1', "
        "['sh', '-c', 'trap \"exit 42\" INT; echo ready; while :; do sleep 0.05; done']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
        caller.send_signal(signal.SIGINT)
        try:
            assert caller.communicate(timeout=30)[0] == "42\n"
        finally:
            caller.kill()


def test_version_2_groups_get_their_controllers_and_limits(tmp_path: Path) -> None:
    """Version 2 as files: what is read and written, without the kernel behind it."""
    parent = tmp_path / "clustergenie"
    parent.mkdir()
    for directory in (tmp_path, parent):
        (directory / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        (directory / "cgroup.subtree_control").write_text("cpu memory pids\n")
    found = limits.probe(Path("/data"), tmp_path)
    assert found.describe() == "cgroup v2: cpu, memory, pids"
    groups = found.groups("droplet-1")
    assert {value for name, value in groups.items() if name != "version"} == {str(parent / f"{found.key}-droplet-1")}
    limits.make(groups, FREE_SIZES[1])
    made = Path(str(groups["cpu"]))
    assert (made / "cpu.max").read_text() == "100000 100000"
    assert (made / "memory.max").read_text() == str(1 << 30)
    assert (made / "memory.swap.max").read_text() == "0"
    assert (made / "pids.max").read_text() == "1024"


def test_a_computer_without_groups_has_soft_limits(tmp_path: Path) -> None:
    assert limits.probe(Path("/data"), tmp_path) == limits.Limits()
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")  # a container: nothing may be enabled below
    assert limits.probe(Path("/data"), tmp_path).parents == {}
