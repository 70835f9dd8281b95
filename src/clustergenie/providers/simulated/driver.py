"""Drive a cloud that is not there: for tests, demos and scale."""

import asyncio
import time
from pathlib import Path

from clustergenie.providers.driver import Catalog, Machine, OnGone, Order
from clustergenie.providers.errors import MachineNotFound, Refused
from clustergenie.providers.simulated.agents import Call
from clustergenie.providers.simulated.chaos import Chaos
from clustergenie.providers.simulated.cloud import Cloud, check, machine
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.remote import RemoteSite
from clustergenie.providers.simulated.site import FarSide, Site
from clustergenie.providers.simulated.weather import Weather
from clustergenie.providers.turns import Turns


class SimulatedDriver:
    """Thousands of machines in this process. With `path`, they survive a kill -9 of it, as a real cloud's would.

    `call` carries what the simulated agents say to the control plane; without it they stay silent. With `url` the
    cloud is a process of its own, which several control planes may share, and whose agents speak for themselves.
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
        url: str = "",
    ) -> None:
        self.name = name
        self._installation = installation
        self._turns = Turns()
        self._made: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._under_way: set[asyncio.Task[Machine]] = set()
        voice = (lambda _: call) if call is not None else None
        self._site = Site(path=path, weather=weather, voice=voice, on_gone=on_gone, cloud=cloud, name=name)
        self._far: FarSide = RemoteSite(url) if url else self._site

    async def start(self) -> None:
        """Read the machines that are there, and let their agents speak."""
        await self._far.start()

    async def close(self) -> None:
        """Let go; machines stay."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._far.close()

    @property
    def chaos(self) -> Chaos:
        """What can go wrong, of a cloud in this process."""
        return self._site.chaos

    async def create(self, order: Order) -> Machine:
        """See Driver.create. As with a real cloud, a list that lags can hide a machine that an earlier life ordered."""
        check(order)
        if order.installation != self._installation:
            raise Refused(f"This driver serves installation {self._installation!r}, not {order.installation!r}.")
        # An order that was sent is seen through, also when nobody waits for it any more: until its outcome is known
        # the same machine is not ordered again.
        task = asyncio.create_task(self._create(order))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _create(self, order: Order) -> Machine:
        async with self._turns.take(order.droplet_id):
            vm = await self._existing(order)
            if vm is None:
                vm = await self._far.make(order)
                self._made[order.droplet_id], self._tags[vm.ref] = vm.ref, order.droplet_id
            return machine(vm, self.name, time.time())

    async def _existing(self, order: Order) -> Vm | None:
        refs = [vm.ref for vm in await self._far.tagged(self._installation, order.droplet_id)]
        # What was made here is known here, also while lists do not show it yet.
        if made := self._made.get(order.droplet_id):
            refs = [made, *(ref for ref in refs if ref != made)]
        for ref in refs:
            try:
                return await self._far.again(ref, order)
            except MachineNotFound:
                self._forget(ref)
        return None

    def _forget(self, ref: str) -> None:
        if (tag := self._tags.pop(ref, None)) is not None and self._made.get(tag) == ref:
            del self._made[tag]

    async def get(self, ref: str) -> Machine:
        """See Driver.get."""
        return machine(await self._far.get(self._installation, ref), self.name, time.time())

    async def list(self) -> list[Machine]:
        """See Driver.list. Gives way to other work between thousands of machines."""
        found = []
        now = time.time()
        for n, vm in enumerate(await self._far.list(self._installation), 1):
            found.append(machine(vm, self.name, now))
            if n % 1000 == 0:
                await asyncio.sleep(0)
        return found

    async def destroy(self, ref: str) -> None:
        """See Driver.destroy."""
        await self._far.destroy(self._installation, ref)
        self._forget(ref)

    async def catalog(self) -> Catalog:
        """See Driver.catalog."""
        return await self._far.catalog()
