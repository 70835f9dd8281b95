"""Local droplets are real process groups: found again, never doubled, and ended with all that ran in them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import uvloop

from clustergenie.providers import LocalDriver, Machine, MachineNotFound, Refused, local
from clustergenie.providers.local import processes, records, spawn
from tests.agent.control_plane import ControlPlane
from tests.agent.droplets import visit
from tests.providers.accounts import LocalAccount, opened
from tests.providers.orders import NOWHERE, OURS, order
from tests.waiting import poll_until, poll_until_async

ESCAPE = "import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(600)"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[LocalAccount]:
    found = LocalAccount(tmp_path)
    yield found
    found.cancel()


def create(account: LocalAccount, *droplet_ids: str, limit: bool = True) -> list[Machine]:
    """Order machines with a control plane that then goes away."""

    async def run() -> list[Machine]:
        async with opened(LocalDriver("here", account.data_dir, OURS, NOWHERE, limit=limit)) as driver:
            return [await driver.create(order(name)) for name in droplet_ids]

    made = asyncio.run(run())
    for machine in made:
        poll_until(partial(agent, account, machine.droplet_id))
    return made


def agent(account: LocalAccount, droplet_id: str = "droplet-1") -> processes.Seen | None:
    """The agent that wrote itself down."""
    return processes.recorded(records.root_of(account.data_dir) / droplet_id)


def pid_of(account: LocalAccount, droplet_id: str = "droplet-1") -> int:
    found = agent(account, droplet_id)
    assert found is not None
    return found.pid


def destroy(account: LocalAccount, ref: str = "droplet-1", grace_seconds: float = 5) -> None:
    async def run() -> None:
        async with opened(LocalDriver("here", account.data_dir, OURS, NOWHERE, grace_seconds=grace_seconds)) as driver:
            await driver.destroy(ref)

    asyncio.run(run())


def test_each_droplet_is_a_session_of_its_own_that_answers_on_its_own_address(account: LocalAccount) -> None:
    made = create(account, "droplet-1", "droplet-2")
    assert len({(machine.address, machine.port) for machine in made}) == 2
    for machine in made:
        assert machine.address is not None
        assert machine.port is not None
        assert machine.address.startswith("127.")
        assert visit(machine.address, machine.port)[1]["droplet_id"] == machine.droplet_id
        pid = pid_of(account, machine.droplet_id)
        assert os.getsid(pid) == os.getpgid(pid) == pid != os.getsid(0)


def test_a_droplet_sees_no_secret_of_the_control_plane(account: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTERGENIE_DATABASE_URL", "mysql://root:hunter2@db")
    create(account, "droplet-1")
    pid = pid_of(account)
    seen = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"hunter2" not in seen
    assert b"cgt-secret" not in seen
    assert b"CG_INSTALLATION=ours" in seen
    state = records.root_of(account.data_dir) / "droplet-1"
    assert state.stat().st_mode & 0o077 == 0
    assert (state / "bootstrap.json").stat().st_mode & 0o077 == 0


def test_the_next_control_plane_adopts_what_runs_and_tells_it_where_it_is(account: LocalAccount) -> None:
    create(account, "droplet-1")
    before = pid_of(account)

    async def next_one() -> None:
        with ControlPlane() as plane:
            async with opened(LocalDriver("here", account.data_dir, OURS, plane.url)) as driver:
                assert [machine.status for machine in await driver.list()] == ["running"]
                await poll_until_async(lambda: _arrived(plane))

    asyncio.run(next_one())
    assert pid_of(account) == before


async def _arrived(plane: ControlPlane) -> bool:
    return bool(plane.heartbeats)


def test_a_running_machine_that_is_ordered_again_enrols_with_the_new_token(account: LocalAccount) -> None:
    async def scenario() -> None:
        with ControlPlane() as plane:
            plane.tokens = {"second": None}
            async with opened(LocalDriver("here", account.data_dir, OURS, plane.url)) as driver:
                await driver.create(order(server=plane.url, token="first"))
                await poll_until_async(lambda: _tried(plane, "first"))
                await driver.create(order(server=plane.url, token="second"))
                await poll_until_async(lambda: _arrived(plane))

    asyncio.run(scenario())


async def _tried(plane: ControlPlane, token: str) -> bool:
    return any(call["token"] == token for call in plane.enrolments)


def test_a_machine_that_ends_by_itself_is_reported_at_once_and_only_then(account: LocalAccount) -> None:
    gone: list[str] = []

    async def scenario() -> None:
        driver = LocalDriver("here", account.data_dir, OURS, NOWHERE, on_gone=gone.append)
        async with opened(driver):
            for name in ("droplet-1", "droplet-2"):
                await driver.create(order(name))
                await asyncio.to_thread(poll_until, partial(agent, account, name), 10)
            await driver.destroy("droplet-2")
            assert gone == []
            pid = pid_of(account)
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(poll_until, lambda: gone == ["droplet-1"], 10)
            assert not Path(f"/proc/{pid}").exists()  # our child, so we collected it
            assert (await driver.get("droplet-1")).status == "stopped"

    asyncio.run(scenario())


def test_the_end_of_an_adopted_machine_is_reported_too(account: LocalAccount) -> None:
    gone: list[str] = []
    create(account, "droplet-1")

    async def scenario() -> None:
        async with opened(LocalDriver("here", account.data_dir, OURS, NOWHERE, on_gone=gone.append)):
            os.kill(pid_of(account), signal.SIGKILL)
            await asyncio.to_thread(poll_until, lambda: gone == ["droplet-1"], 10)

    asyncio.run(scenario())


def test_a_process_that_gives_way_to_the_one_with_the_lock_is_not_the_end_of_the_machine(
    account: LocalAccount,
) -> None:
    gone: list[str] = []
    create(account, "droplet-1")
    state = records.root_of(account.data_dir) / "droplet-1"
    first = pid_of(account)
    record = (state / "process.json").read_bytes()

    async def scenario() -> None:
        driver = LocalDriver("here", account.data_dir, OURS, NOWHERE, on_gone=gone.append)
        async with opened(driver):
            intent = records.intent(state)
            assert intent is not None
            second = spawn.agent(sys.executable, spawn.source(), state, intent)
            await asyncio.to_thread(os.waitpid, second, 0)
            driver._ended("droplet-1", processes.Seen(second, 1))
            await asyncio.sleep(0)
        assert gone == []
        assert (state / "process.json").read_bytes() == record

    asyncio.run(scenario())
    assert pid_of(account) == first


def test_a_dead_process_that_nobody_collected_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        poll_until(lambda: processes.look(zombie.pid) is None)
        os.kill(zombie.pid, 0)  # the kernel still says yes


def test_a_number_that_was_given_to_a_stranger_is_neither_adopted_nor_ended(account: LocalAccount) -> None:
    create(account, "droplet-1")
    state = records.root_of(account.data_dir) / "droplet-1"
    os.kill(pid_of(account), signal.SIGKILL)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as stranger:
        there = processes.look(stranger.pid)
        assert there is not None
        record = records.ProcessRecord(stranger.pid, there.start + 1, processes.boot_id())
        records.write(state / "process.json", record)
        assert processes.recorded(state) is None
        destroy(account)
        assert stranger.poll() is None
        stranger.kill()
    assert account.leftovers() == []


def test_a_record_of_an_earlier_boot_means_nothing_and_the_machine_is_powered_on(account: LocalAccount) -> None:
    create(account, "droplet-1")
    state = records.root_of(account.data_dir) / "droplet-1"
    before = pid_of(account)
    os.kill(before, signal.SIGKILL)
    record = json.loads((state / "process.json").read_text())
    records.write(state / "process.json", {**record, "boot_id": "an earlier one"})

    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            assert [machine.status for machine in await driver.list()] == ["running"]

    asyncio.run(scenario())
    poll_until(lambda: agent(account) is not None)
    assert pid_of(account) != before


@pytest.mark.parametrize("limit", [True, False])
def test_destroying_ends_stopped_processes_and_escapees(account: LocalAccount, limit: bool) -> None:
    create(account, "droplet-1", limit=limit)
    local.enter_detached(account.data_dir, "droplet-1", [sys.executable, "-c", ESCAPE])
    local.enter_detached(account.data_dir, "droplet-1", ["sh", "-c", "trap '' TERM; while :; do sleep 600; done"])
    poll_until(lambda: len(account.processes("droplet-1")) >= 4)
    os.kill(pid_of(account), signal.SIGSTOP)
    destroy(account, grace_seconds=0.5)
    assert account.leftovers() == []


def test_a_stopped_agent_still_counts_as_a_machine(account: LocalAccount) -> None:
    create(account, "droplet-1")
    os.kill(pid_of(account), signal.SIGSTOP)

    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            assert [machine.status for machine in await driver.list()] == ["running"]

    asyncio.run(scenario())


def test_a_process_whose_machine_is_gone_is_ended_by_the_next_control_plane(account: LocalAccount) -> None:
    create(account, "droplet-1")
    local.enter_detached(account.data_dir, "droplet-1", ["sleep", "600"])
    poll_until(lambda: len(account.processes("droplet-1")) >= 2)
    os.kill(pid_of(account), signal.SIGKILL)
    records.remove(records.root_of(account.data_dir) / "droplet-1")

    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            assert await driver.list() == []

    asyncio.run(scenario())
    assert account.leftovers() == []


def test_an_address_in_use_is_passed_over(account: LocalAccount) -> None:
    # The address follows from the id, and "droplet-1" is what many tests beside this one would like to have.
    (first,) = create(account, "coveted")
    assert first.address is not None
    assert first.port is not None
    destroy(account, "coveted")
    with socket.socket() as squatter:
        squatter.bind((first.address, first.port))
        squatter.listen()
        (second,) = create(account, "coveted")
    assert (second.address, second.port) != (first.address, first.port)


def test_a_machine_keeps_its_address_over_a_crash_unless_it_was_taken(account: LocalAccount) -> None:
    (first,) = create(account, "crashing")
    os.kill(pid_of(account, "crashing"), signal.SIGKILL)
    (second,) = create(account, "crashing")
    assert (second.address, second.port) == (first.address, first.port)
    os.kill(pid_of(account, "crashing"), signal.SIGKILL)
    poll_until(lambda: agent(account, "crashing") is None)
    with socket.socket() as squatter:
        squatter.bind((str(first.address), int(first.port or 0)))
        squatter.listen()
        (third,) = create(account, "crashing")
    assert (third.address, third.port) != (first.address, first.port)
    assert visit(str(third.address), int(third.port or 0))[0] == 200


def test_stopping_all_leaves_no_process_and_the_next_start_brings_the_droplets_back(account: LocalAccount) -> None:
    create(account, "droplet-1", "droplet-2")
    local.enter_detached(account.data_dir, "droplet-2", [sys.executable, "-c", ESCAPE])
    os.kill(pid_of(account), signal.SIGSTOP)
    assert local.stop_all(account.data_dir, grace_seconds=0.5) == 2
    assert [line for line in account.leftovers() if line.startswith("process")] == []
    assert account.groups() == []
    assert local.stop_all(account.data_dir) == 0

    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            assert [machine.status for machine in await driver.list()] == ["running", "running"]
            for machine in await driver.list():
                await driver.destroy(machine.ref)

    asyncio.run(scenario())
    assert account.leftovers() == []


def test_stopping_where_nothing_ever_ran_is_fine(tmp_path: Path) -> None:
    assert local.stop_all(tmp_path / "nothing") == 0


def test_a_name_that_would_leave_the_directory_is_refused(account: LocalAccount) -> None:
    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            for name in ("../x", "", ".", "a/b", "a\0b", "x" * 200, "-x"):
                with pytest.raises(Refused):
                    await driver.create(order(name))

    asyncio.run(scenario())


def test_a_machine_of_another_installation_in_the_same_directory_is_not_taken_over(account: LocalAccount) -> None:
    create(account, "droplet-1")

    async def scenario() -> None:
        async with opened(account.driver("theirs")) as driver:
            with pytest.raises(Refused, match="another installation"):
                await driver.create(order(installation="theirs"))

    asyncio.run(scenario())


def test_fifty_droplets_are_there_and_gone_again(account: LocalAccount) -> None:
    async def scenario() -> None:
        async with opened(account.driver()) as driver:
            made = await asyncio.gather(*(driver.create(order(f"droplet-{n}")) for n in range(50)))
            assert len({machine.port for machine in made}) == 50
            assert {machine.status for machine in await driver.list()} == {"running"}
            await asyncio.gather(*(driver.destroy(machine.ref) for machine in made))
            assert await driver.list() == []

    asyncio.run(scenario())
    assert account.leftovers() == []


def test_a_droplet_that_is_not_there_cannot_be_entered(account: LocalAccount) -> None:
    with pytest.raises(MachineNotFound):
        local.enter(account.data_dir, "droplet-9", ["true"])
    create(account, "droplet-1")
    with pytest.raises(Refused, match="no command"):
        local.enter(account.data_dir, "droplet-1", [])
    os.kill(pid_of(account), signal.SIGKILL)
    poll_until(lambda: agent(account) is None)
    with pytest.raises(Refused, match="not running"):
        local.enter(account.data_dir, "droplet-1", ["true"])


def test_ends_are_heard_on_the_loop_the_server_uses_too(account: LocalAccount) -> None:
    gone: list[str] = []

    async def scenario() -> None:
        async with opened(LocalDriver("here", account.data_dir, OURS, NOWHERE, on_gone=gone.append)) as driver:
            await driver.create(order())
            await asyncio.to_thread(poll_until, partial(agent, account), 10)
            os.kill(pid_of(account), signal.SIGKILL)
            await asyncio.to_thread(poll_until, lambda: gone == ["droplet-1"], 10)
            await driver.destroy("droplet-1")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
    assert account.leftovers() == []


def test_another_python_than_ours_runs_the_agents_source(account: LocalAccount, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    assert spawn.compiled(tmp_path, str(other)) == spawn.source()
    assert spawn.compiled(tmp_path, sys.executable).suffix == ".pyc"

    async def scenario() -> None:
        driver = LocalDriver("here", account.data_dir, OURS, NOWHERE, python=str(other))
        async with opened(driver):
            made = await driver.create(order())
            await asyncio.to_thread(poll_until, partial(agent, account), 10)
            await driver.destroy(made.ref)

    asyncio.run(scenario())
