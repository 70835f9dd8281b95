"""Drive this computer as a provider: each droplet a process group with its own address, held to its size."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from clustergenie.platform.errors import CannotStart
from clustergenie.providers.driver import Catalog, Machine, OnGone, Order, Region
from clustergenie.providers.errors import MachineNotFound, NoCapacity, Refused
from clustergenie.providers.local import adopt, limits, machines, records, spawn
from clustergenie.providers.local.limits import Limits
from clustergenie.providers.local.network import Network
from clustergenie.providers.local.processes import Seen
from clustergenie.providers.local.watch import Watch
from clustergenie.providers.sizes import IMAGES
from clustergenie.providers.turns import Turns

GRACE_SECONDS = 5.0
SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
T = TypeVar("T")


class LocalDriver:
    """Machines on this computer.

    Droplets outlive the control plane: `close` leaves them running and `start` finds them again. Region and image slugs
    are labels here. `limit=False` leaves cgroups alone, and the agent then watches memory by itself.
    """

    kind = "local"
    concurrency = 16
    poll_seconds = 0.1

    def __init__(
        self,
        name: str,
        data_dir: str | os.PathLike[str],
        installation: str,
        server_url: str,
        python: str = sys.executable,
        on_gone: OnGone | None = None,
        orphan_seconds: float = 0,
        *,
        limit: bool = True,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.name = name
        self._root = records.root_of(data_dir)
        self._installation, self._server_url, self._python = installation, server_url, python
        self._on_gone, self._orphan_seconds = on_gone, orphan_seconds
        self._limit, self._grace_seconds = limit, grace_seconds
        self._spawned: dict[str, Seen] = {}
        self._turns = Turns()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watch = Watch(self._ended)
        self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="local-provider")

    async def start(self) -> None:
        """Probe what this computer can do, and adopt the machines that are there. One pass, a few milliseconds.

        Raises CannotStart.
        """
        try:
            self._place, self._network = await asyncio.to_thread(self._settle)
            self._spawned = await asyncio.to_thread(adopt.adopt, self._place)
        except OSError as error:
            raise CannotStart(f"The local provider cannot use {self._root}: {error}.") from error
        for droplet_id, agent in self._spawned.items():
            self._watch.add(droplet_id, agent)

    def _settle(self) -> tuple[machines.Place, Network]:
        if not Path("/proc/self/stat").exists():
            raise CannotStart("The local provider needs Linux (/proc); leave it out of the setting providers.")
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = machines.Place(
            root=self._root,
            provider=self.name,
            installation=self._installation,
            server_url=self._server_url,
            python=self._python,
            program=spawn.compiled(self._root, self._python),
            orphan_seconds=self._orphan_seconds,
            limits=limits.probe(self._root) if self._limit else Limits(),
        )
        network = Network(self._root)
        for _, intent in records.intents(self._root):
            network.keep(intent.droplet_id, intent.port)
        return place, network

    async def close(self) -> None:
        """Finish what is under way and let go; machines keep running."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._watch.close()
        self._pool.shutdown()

    async def create(self, order: Order) -> Machine:
        """See Driver.create. About 3 ms, most of it in a thread."""
        self._accept(order)
        return await self._alone(order.droplet_id, lambda: self._create(order))

    async def _create(self, order: Order) -> Machine:
        known = self._spawned.get(order.droplet_id)
        try:
            intent, agent = await self._thread(machines.order, self._place, self._network, order, known)
        except OSError as error:
            raise NoCapacity(f"This computer cannot hold another droplet: {error}.") from error
        self._spawned[order.droplet_id] = agent
        self._watch.add(order.droplet_id, agent)
        return machines.machine(self.name, intent, running=True)

    def _accept(self, order: Order) -> None:
        if SAFE_ID.fullmatch(order.droplet_id) is None:
            raise Refused(f"{order.droplet_id[:140]!r} cannot be the name of a directory.")
        if order.size not in machines.SIZES:
            raise Refused(f"There is no size {order.size!r}; there are {', '.join(machines.SIZES)}.")
        if order.installation != self._installation:
            raise Refused(f"This driver serves installation {self._installation!r}, not {order.installation!r}.")

    async def get(self, ref: str) -> Machine:
        """See Driver.get."""
        return await asyncio.to_thread(self._get, ref)

    def _get(self, ref: str) -> Machine:
        state = self._place.state(ref)
        intent = records.intent(state) if SAFE_ID.fullmatch(ref) else None
        if intent is None or intent.installation != self._installation:
            raise MachineNotFound(f"There is no local machine {ref[:140]!r}.")
        agent = machines.seen(state, self._spawned.get(ref))
        return machines.machine(self.name, intent, agent is not None)

    async def list(self) -> list[Machine]:
        """See Driver.list."""
        return await asyncio.to_thread(machines.existing, self._place, dict(self._spawned))

    async def destroy(self, ref: str) -> None:
        """See Driver.destroy. Everything that ran in the droplet is gone when this returns, escapees too."""
        if SAFE_ID.fullmatch(ref):
            await self._alone(ref, lambda: self._destroy(ref))

    async def _destroy(self, ref: str) -> None:
        state = self._place.state(ref)
        intent = records.intent(state)
        if intent is not None and intent.installation != self._installation:
            return
        self._watch.remove(ref)
        await self._thread(machines.destroy, state, self._grace_seconds, self._spawned.get(ref))
        self._spawned.pop(ref, None)
        self._network.release(ref)

    async def catalog(self) -> Catalog:
        """Sizes are free here; any region and image is accepted as a label."""
        return Catalog(
            regions=[Region(slug="local", name="This computer")],
            sizes=machines.sizes(),
            images=list(IMAGES),
            any_region=True,
            any_image=True,
            note="Droplets are process groups on this computer; region and image are labels. "
            f"Limits: {self._place.limits.describe()}.",
        )

    # --- one thing at a time for each droplet ---

    async def _alone(self, droplet_id: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do this when nothing else is being done to the droplet, and to the end even if the caller gives up."""
        task = asyncio.get_running_loop().create_task(self._locked(droplet_id, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _locked(self, droplet_id: str, work: Callable[[], Awaitable[T]]) -> T:
        async with self._turns.take(droplet_id):
            return await work()

    async def _thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def _ended(self, droplet_id: str, agent: Seen) -> None:
        """A watched process ended by itself; unless another agent of that droplet runs, say so."""
        task = asyncio.get_running_loop().create_task(self._locked(droplet_id, lambda: self._look_after(droplet_id)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self, droplet_id: str) -> None:
        state = self._place.state(droplet_id)
        agent = await self._thread(machines.seen, state)
        if agent is not None:
            self._spawned[droplet_id] = agent
            self._watch.add(droplet_id, agent)
        elif (state / records.MACHINE).exists() and self._on_gone is not None:
            self._on_gone(droplet_id)


def directory(data_dir: str | os.PathLike[str], droplet_id: str) -> Path:
    """Where a droplet keeps its files. Raises MachineNotFound."""
    state = records.root_of(data_dir) / droplet_id
    if SAFE_ID.fullmatch(droplet_id) is None or records.intent(state) is None:
        raise MachineNotFound(f"There is no local machine {droplet_id[:140]!r}.")
    return state
