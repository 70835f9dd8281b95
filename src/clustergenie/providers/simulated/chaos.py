"""Make a simulated cloud misbehave on demand."""

import time
from collections.abc import Callable

from clustergenie.platform.errors import Problem
from clustergenie.providers.driver import Machine, Order
from clustergenie.providers.errors import MachineNotFound
from clustergenie.providers.simulated.agents import Agents
from clustergenie.providers.simulated.cloud import Cloud, machine
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.load import Load
from clustergenie.providers.simulated.weather import Weather


class Chaos:
    """What can go wrong. Machines are named by droplet id or by ref."""

    def __init__(self, cloud: Cloud, agents: Agents | None, provider: str, gone: Callable[[str], None]) -> None:
        self._cloud, self.agents, self._provider, self._gone = cloud, agents, provider, gone

    @property
    def weather(self) -> Weather:
        """The conditions; change them in place."""
        return self._cloud.weather

    def fail(self, operation: str, *problems: Problem) -> None:
        """Let the next calls of an operation (create, get, list, destroy) fail with these, in this order."""
        self._cloud.script.extend((operation, problem) for problem in problems)

    def lose_replies(self, times: int = 1) -> None:
        """Let the next orders succeed without the caller hearing of it."""
        self._cloud.script.extend(("lose-reply", None) for _ in range(times))

    def crash(self, name: str) -> None:
        """End a machine, as a power cut does. It stays listed, as stopped."""
        vm = self._find(name)
        vm.stopped = True
        self._cloud.save(vm)
        self._gone(vm.tag)

    def vanish(self, name: str) -> None:
        """Remove a machine behind everybody's back."""
        vm = self._find(name)
        self._cloud.remove(vm.ref)
        self._gone(vm.tag)

    def freeze(self, name: str) -> None:
        """Let the agent fall silent while the machine runs on."""
        vm = self._find(name)
        vm.silent = True
        self._cloud.save(vm)

    def thaw(self, name: str) -> None:
        """Let the agent speak again."""
        vm = self._find(name)
        if vm.silent:
            vm.silent = False
            self._cloud.save(vm)
            if self.agents is not None:
                self.agents.expect(vm)

    def duplicate(self, order: Order) -> Machine:
        """Make a machine without asking whether there is one: what a cloud does that is asked twice."""
        vm = self._cloud.make(order)
        if self.agents is not None:
            self.agents.expect(vm)
        return machine(vm, self._provider, time.time())

    def load(self, load: Load, *, of: str) -> None:
        """Set what the machines of a droplet id or a cluster id are busy with, from now on."""
        if self.agents is not None:
            self.agents.loads[of] = (time.monotonic(), load)

    def _find(self, name: str) -> Vm:
        vm = self._cloud.machines.get(name)
        if vm is None:
            vm = next((vm for vm in self._cloud.machines.values() if vm.tag == name), None)
        if vm is None:
            raise MachineNotFound(f"There is no simulated machine {name!r}.")
        return vm
