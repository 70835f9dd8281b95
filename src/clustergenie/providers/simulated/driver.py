"""Drive a cloud that is not there: for tests, demos and scale."""

import asyncio
import math
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from clustergenie.providers.driver import Catalog, Machine, OnGone, Order
from clustergenie.providers.errors import MachineNotFound, NoAnswer, Refused
from clustergenie.providers.simulated.agents import Agents, Call
from clustergenie.providers.simulated.chaos import Chaos
from clustergenie.providers.simulated.cloud import REGIONS, Cloud, machine
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.weather import Span, Weather
from clustergenie.providers.sizes import IMAGES, SIZES
from clustergenie.providers.turns import Turns

CRASH_CHECK_SECONDS = 1.0


class SimulatedDriver:
    """Thousands of machines in this process. With `path`, they survive a kill -9 of it, as a real cloud's would.

    `call` carries what the simulated agents say to the control plane; without it they stay silent.
    """

    kind = "simulated"
    concurrency = 500
    poll_seconds = 0.2

    def __init__(
        self,
        name: str,
        installation: str,
        *,
        path: Path | None = None,
        call: Call | None = None,
        weather: Weather | None = None,
        on_gone: OnGone | None = None,
        cloud: Cloud | None = None,
    ) -> None:
        self.name = name
        self._installation, self._path, self._call = installation, path, call
        self._weather, self._on_gone, self._given = weather, on_gone, cloud
        self._turns = Turns()
        self._made: dict[str, str] = {}
        self._crasher: asyncio.Task[None] | None = None
        self._agents: Agents | None = None
        self._opened: Cloud | None = None

    async def start(self) -> None:
        """Read the machines that are there, and let their agents speak."""
        if self._given is None:
            self._opened = await asyncio.to_thread(Cloud, self._path, self._weather)
        self._cloud = self._given or self._opened or Cloud()
        self._agents = Agents(self._cloud, self._call) if self._call is not None else None
        self.chaos = Chaos(self._cloud, self._agents, self.name, self._gone)
        if self._agents is not None:
            self._agents.start()
        self._crasher = asyncio.get_running_loop().create_task(self._crash_by_chance())

    async def close(self) -> None:
        """Let go; machines stay in the file."""
        if self._crasher is not None:
            self._crasher.cancel()
            with suppress(asyncio.CancelledError):
                await self._crasher
        if self._agents is not None:
            await self._agents.close()
        if self._opened is not None:
            self._opened.close()

    async def create(self, order: Order) -> Machine:
        """See Driver.create. As with a real cloud, a list that lags can hide a machine that an earlier life ordered."""
        self._cloud.check(order)
        if order.installation != self._installation:
            raise Refused(f"This driver serves installation {self._installation!r}, not {order.installation!r}.")
        async with self._turns.take(order.droplet_id):
            vm = self._existing(order.droplet_id)
            if vm is None:
                vm = await self._order(order)
            else:
                self._again(vm, order)
            return machine(vm, self.name, time.time())

    def _existing(self, tag: str) -> Vm | None:
        vm = self._cloud.machines.get(self._made.get(tag, ""))
        if vm is None:
            found = [vm for vm in self._cloud.tagged(tag) if vm.installation == self._installation]
            vm = found[0] if found else None
        return vm

    def _again(self, vm: Vm, order: Order) -> None:
        """Ordered again: a stopped machine boots, and its agent learns the new token."""
        if vm.token != order.bootstrap.token:
            vm.token = order.bootstrap.token
            self._cloud.save(vm)
        if vm.stopped or vm.silent:
            self._cloud.boot(vm)
            if self._agents is not None:
                self._agents.expect(vm)

    async def _order(self, order: Order) -> Vm:
        await self._pass(self._cloud.weather.create_seconds)
        self._cloud.admit(order)
        vm = self._cloud.make(order)
        if self._agents is not None:
            self._agents.expect(vm)
        if self._cloud.loses_reply():
            raise NoAnswer("The simulated cloud did not answer in time.")
        self._made[order.droplet_id] = vm.ref
        return vm

    async def get(self, ref: str) -> Machine:
        """See Driver.get."""
        self._cloud.trouble("get")
        vm = self._cloud.machines.get(ref)
        if vm is None or vm.installation != self._installation:
            raise MachineNotFound(f"There is no simulated machine {ref[:140]!r}.")
        return machine(vm, self.name, time.time())

    async def list(self) -> list[Machine]:
        """See Driver.list. Gives way to other work between thousands of machines."""
        self._cloud.trouble("list")
        now = time.time()
        found = []
        for n, vm in enumerate(self._cloud.listed(self._installation), 1):
            found.append(machine(vm, self.name, now))
            if n % 1000 == 0:
                await asyncio.sleep(0)
        return found

    async def destroy(self, ref: str) -> None:
        """See Driver.destroy."""
        vm = self._cloud.machines.get(ref)
        if vm is not None and vm.installation != self._installation:
            return
        await self._pass(self._cloud.weather.destroy_seconds)
        self._cloud.trouble("destroy")
        if self._cloud.remove(ref) and vm is not None and self._made.get(vm.tag) == ref:
            del self._made[vm.tag]

    async def catalog(self) -> Catalog:
        """What the simulated cloud offers; a region without room is not available."""
        regions = [msgspec.structs.replace(region, available=not self._cloud.full(region.slug)) for region in REGIONS]
        note = "This cloud is simulated: its machines are not there, and its prices are not charged."
        return Catalog(regions=regions, sizes=list(SIZES), images=list(IMAGES), note=note)

    async def _pass(self, span: Span) -> None:
        await asyncio.sleep(self._cloud.random.uniform(*span) if span[1] else 0)

    async def _crash_by_chance(self) -> None:
        while True:
            await asyncio.sleep(CRASH_CHECK_SECONDS)
            rate = self._cloud.weather.crashes_per_hour
            if not rate:
                continue
            risk = -math.expm1(-rate * CRASH_CHECK_SECONDS / 3600)
            doomed = [vm.ref for vm in self._cloud.machines.values() if self._cloud.random.random() < risk]
            for ref in doomed:
                if not self._cloud.machines[ref].stopped:
                    self.chaos.crash(ref)

    def _gone(self, droplet_id: str) -> None:
        if self._on_gone is not None:
            self._on_gone(droplet_id)
