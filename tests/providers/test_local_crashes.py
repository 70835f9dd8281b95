"""Whatever line the control plane dies at, each local droplet has one live process group or none, and nothing leaks."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from clustergenie.providers import Machine
from tests.agent.droplets import visit
from tests.providers.accounts import LocalAccount, opened
from tests.providers.orders import order
from tests.waiting import poll_until, poll_until_async

TRIES = 30


def die(directory: Path, action: str, lines: list[int]) -> str:
    """Let one control plane die at each of these lines; what they printed."""
    command = [sys.executable, "-m", "tests.providers.dying", str(directory), action, *map(str, lines)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=200).stdout


def chosen(directory: Path, action: str, seed: int, tries: int) -> list[int]:
    """Some lines of all there are, the last ones always among them."""
    last = int(die(directory, action, [0]))
    LocalAccount(directory / "0").cancel()
    print(f"{action}: {last} lines")  # noqa: T201
    return sorted({*random.Random(seed).sample(range(1, last + 1), min(tries, last)), last - 1, last})


def agents(account: LocalAccount) -> list[int]:
    return [seen.pid for seen in account.processes("droplet-1") if seen.pid == seen.session]


async def recover_create(account: LocalAccount) -> None:
    """The next control plane finds at most one machine, and ordering it again makes it exactly one."""
    async with opened(account.driver()) as driver:
        assert len(await driver.list()) <= 1
        made = await driver.create(order(token="second"))

        async def one_answers() -> bool:
            return len(agents(account)) == 1 and _answers(made)

        await poll_until_async(one_answers)
        assert [machine.status for machine in await driver.list()] == ["running"]
        await driver.destroy(made.ref)
    assert account.leftovers() == []


def _answers(machine: Machine) -> bool:
    assert machine.address is not None
    assert machine.port is not None
    return bool(visit(machine.address, machine.port)[1]["droplet_id"] == machine.droplet_id)


async def recover_destroy(account: LocalAccount) -> None:
    """The next control plane can finish what was begun."""
    async with opened(account.driver()) as driver:
        for machine in await driver.list():
            await driver.destroy(machine.ref)
        assert await driver.list() == []
    poll_until(lambda: account.leftovers() == [])


def test_killed_at_any_line_of_a_create(tmp_path: Path, seed: int) -> None:
    lines = chosen(tmp_path, "create", seed, TRIES)
    die(tmp_path, "create", lines)
    for line in lines:
        account = LocalAccount(tmp_path / str(line))
        try:
            asyncio.run(recover_create(account))
        finally:
            account.cancel()


def test_killed_at_any_line_of_a_destroy(tmp_path: Path, seed: int) -> None:
    lines = chosen(tmp_path, "destroy", seed, TRIES)
    die(tmp_path, "destroy", lines)
    for line in lines:
        account = LocalAccount(tmp_path / str(line))
        try:
            asyncio.run(recover_destroy(account))
        finally:
            account.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("action", ["create", "destroy"])
def test_killed_at_every_line(tmp_path: Path, seed: int, action: str) -> None:
    recover = {"create": recover_create, "destroy": recover_destroy}[action]
    lines = chosen(tmp_path, action, seed, 10_000)
    for start in range(0, len(lines), 50):
        die(tmp_path, action, lines[start : start + 50])
        for line in lines[start : start + 50]:
            account = LocalAccount(tmp_path / str(line))
            try:
                asyncio.run(recover(account))
            finally:
                account.cancel()
