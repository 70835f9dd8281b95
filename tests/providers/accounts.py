"""Provider accounts that drivers can be opened on again and again, as a control plane does that restarts."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from clustergenie.providers import Driver, LocalDriver, Machine, SimulatedDriver, local
from clustergenie.providers.local import limits, processes, records
from clustergenie.providers.simulated import CALM, Cloud
from tests.providers.cloud_process import CloudProcess
from tests.providers.orders import NOWHERE, OURS

D = TypeVar("D", bound=Driver)


class Account(Protocol):
    """One account: its machines stay when a driver is closed."""

    hosting: str
    """How `tests.providers.hosting` is told which."""

    def driver(self, installation: str = OURS) -> Driver: ...

    def crash(self, driver: Driver, machine: Machine) -> None: ...

    def leftovers(self) -> list[str]: ...

    def cancel(self) -> None: ...


class LocalAccount:
    """This computer, below one directory."""

    hosting = "local"

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def driver(self, installation: str = OURS) -> Driver:
        return LocalDriver("here", self.data_dir, installation, NOWHERE)

    def crash(self, driver: Driver, machine: Machine) -> None:
        agent = processes.agent_in(self.processes(machine.droplet_id))
        assert agent is not None
        os.kill(agent.pid, signal.SIGKILL)

    def processes(self, droplet_id: str) -> list[processes.Seen]:
        """What runs in a droplet."""
        root = records.root_of(self.data_dir)
        return processes.census(root).get(root / droplet_id, [])

    def leftovers(self) -> list[str]:
        """Processes, directories and groups that no machine should leave."""
        root = records.root_of(self.data_dir)
        running = [f"process {seen.pid}" for found in processes.census(root).values() for seen in found]
        kept = [entry.name for entry in root.iterdir() if entry.is_dir()] if root.exists() else []
        return running + kept + [str(path) for path in self.groups()]

    def groups(self) -> list[Path]:
        """The control groups of droplets below this directory."""
        allowed = limits.probe(records.root_of(self.data_dir))
        return [group for parent in set(allowed.parents.values()) for group in Path(parent).glob(f"{allowed.key}-*")]

    def cancel(self) -> None:
        local.stop_all(self.data_dir, grace_seconds=0.5)
        assert [line for line in self.leftovers() if line.startswith("process")] == []


class SimulatedAccount:
    """A cloud in a file."""

    hosting = "simulated"

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "machines.jsonl"

    def driver(self, installation: str = OURS) -> Driver:
        return SimulatedDriver("there", installation, path=self.path, weather=CALM)

    def crash(self, driver: Driver, machine: Machine) -> None:
        assert isinstance(driver, SimulatedDriver)
        driver.chaos.crash(machine.ref)

    def leftovers(self) -> list[str]:
        cloud = Cloud(self.path)
        cloud.close()
        return list(cloud.machines)

    def cancel(self) -> None:
        """Nothing runs."""


class SharedAccount:
    """A simulated cloud in a process of its own."""

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        """With a port, the one that runs there."""
        self.process = CloudProcess(data_dir / "cloud", port=port)
        if not port:
            self.process.start()
        self.hosting = f"shared:{self.process.port}"

    def driver(self, installation: str = OURS) -> Driver:
        return SimulatedDriver("there", installation, url=self.process.url)

    def crash(self, driver: Driver, machine: Machine) -> None:
        self.process.mischief("crash", machine=machine.ref)

    def leftovers(self) -> list[str]:
        return [vm["ref"] for vm in self.process.machines()]

    def cancel(self) -> None:
        self.process.stop()


@asynccontextmanager
async def opened(driver: D) -> AsyncIterator[D]:
    """A started driver, closed at the end; machines keep running."""
    await driver.start()
    try:
        yield driver
    finally:
        await driver.close()
