"""Run a simulated cloud: its machines, their agents, and what ends by chance. It knows nothing of who orders why."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from clustergenie.providers.driver import Catalog, OnGone, Order
from clustergenie.providers.errors import MachineNotFound, NoAnswer
from clustergenie.providers.simulated.agents import Agents, Call
from clustergenie.providers.simulated.chaos import Chaos
from clustergenie.providers.simulated.cloud import REGIONS, Cloud, check
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.weather import Span, Weather
from clustergenie.providers.sizes import IMAGES, SIZES

CRASH_CHECK_SECONDS = 1.0


class FarSide(Protocol):
    """A simulated cloud as its customers reach it, in this process or in another. Asked twice, it makes two."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def tagged(self, installation: str, tag: str) -> list[Vm]:
        """The machines of a tag, as a list shows them: late, if the weather says so."""
        ...

    async def make(self, order: Order) -> Vm:
        """One more machine. Raises NoCapacity, OverQuota, Refused, Throttled, NoAnswer."""
        ...

    async def again(self, ref: str, order: Order) -> Vm:
        """Ordered again: a stopped machine boots, and its agent learns the new token. Raises MachineNotFound."""
        ...

    async def get(self, installation: str, ref: str) -> Vm:
        """Raises MachineNotFound."""
        ...

    async def list(self, installation: str) -> list[Vm]: ...

    async def destroy(self, installation: str, ref: str) -> None:
        """Gone already is success."""

    async def catalog(self) -> Catalog: ...


class Site:
    """See FarSide. `voice` gives each machine's agent its way to the control plane; without it they stay silent."""

    def __init__(
        self,
        *,
        path: Path | None = None,
        weather: Weather | None = None,
        voice: Callable[[Vm], Call] | None = None,
        on_gone: OnGone | None = None,
        cloud: Cloud | None = None,
        name: str = "simulated",
    ) -> None:
        self._path, self._weather, self._voice, self._on_gone, self._name = path, weather, voice, on_gone, name
        self._given, self._opened = cloud, False
        self.cloud: Cloud
        self._crasher: asyncio.Task[None] | None = None
        self.agents: Agents | None = None

    async def start(self) -> None:
        """Read the machines that are there, and let their agents speak."""
        self.cloud = self._given if self._given is not None else await self._open()
        self._opened = self._given is None
        self.agents = Agents(self.cloud, self._voice) if self._voice is not None else None
        self.chaos = Chaos(self.cloud, self.agents, self._name, self._gone)
        if self.agents is not None:
            self.agents.start()
        self._crasher = asyncio.get_running_loop().create_task(self._crash_by_chance())

    async def _open(self) -> Cloud:
        return await asyncio.to_thread(Cloud, self._path, self._weather)

    async def close(self) -> None:
        """Let go; machines stay in the file."""
        if self._crasher is not None:
            self._crasher.cancel()
            with suppress(asyncio.CancelledError):
                await self._crasher
        if self.agents is not None:
            await self.agents.close()
        if self._opened:
            self.cloud.close()

    async def tagged(self, installation: str, tag: str) -> list[Vm]:
        """See FarSide."""
        return [vm for vm in self.cloud.tagged(tag) if vm.installation == installation]

    async def make(self, order: Order) -> Vm:
        """See FarSide."""
        check(order)
        await self._pass(self.cloud.weather.create_seconds)
        self.cloud.admit(order)
        vm = self.cloud.make(order)
        if self.agents is not None:
            self.agents.expect(vm)
        if self.cloud.loses_reply():
            raise NoAnswer("The simulated cloud did not answer in time.")
        return vm

    async def again(self, ref: str, order: Order) -> Vm:
        """See FarSide."""
        vm = self._of(order.installation, ref)
        fresh = (order.bootstrap.token, order.bootstrap.server)
        if (vm.token, vm.server) != fresh:
            vm.token, vm.server = fresh
            self.cloud.save(vm)
        if vm.stopped or vm.silent:
            self.cloud.boot(vm)
            if self.agents is not None:
                self.agents.expect(vm)
        return vm

    async def get(self, installation: str, ref: str) -> Vm:
        """See FarSide."""
        self.cloud.trouble("get")
        return self._of(installation, ref)

    async def list(self, installation: str) -> list[Vm]:
        """See FarSide."""
        self.cloud.trouble("list")
        return self.cloud.listed(installation)

    async def destroy(self, installation: str, ref: str) -> None:
        """See FarSide."""
        vm = self.cloud.machines.get(ref)
        if vm is not None and vm.installation != installation:
            return
        await self._pass(self.cloud.weather.destroy_seconds)
        self.cloud.trouble("destroy")
        self.cloud.remove(ref)

    async def catalog(self) -> Catalog:
        """What the simulated cloud offers; a region without room is not available."""
        regions = [msgspec.structs.replace(region, available=not self.cloud.full(region.slug)) for region in REGIONS]
        note = "This cloud is simulated: its machines are not there, and its prices are not charged."
        return Catalog(regions=regions, sizes=list(SIZES), images=list(IMAGES), note=note)

    def _of(self, installation: str, ref: str) -> Vm:
        vm = self.cloud.machines.get(ref)
        if vm is None or vm.installation != installation:
            raise MachineNotFound(f"There is no simulated machine {ref[:140]!r}.")
        return vm

    async def _pass(self, span: Span) -> None:
        await asyncio.sleep(self.cloud.random.uniform(*span) if span[1] else 0)

    async def _crash_by_chance(self) -> None:
        while True:
            await asyncio.sleep(CRASH_CHECK_SECONDS)
            rate = self.cloud.weather.crashes_per_hour
            if not rate:
                continue
            risk = -math.expm1(-rate * CRASH_CHECK_SECONDS / 3600)
            doomed = [vm.ref for vm in self.cloud.machines.values() if self.cloud.random.random() < risk]
            for ref in doomed:
                if not self.cloud.machines[ref].stopped:
                    self.chaos.crash(ref)

    def _gone(self, droplet_id: str) -> None:
        if self._on_gone is not None:
            self._on_gone(droplet_id)
