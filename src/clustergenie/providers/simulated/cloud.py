"""Be the far side of a cloud: machines that exist whether or not anybody remembers ordering them."""

import random
import time
from collections import deque
from pathlib import Path

from clustergenie.platform.clock import from_micros
from clustergenie.platform.errors import Problem
from clustergenie.providers.driver import Machine, Order, Region
from clustergenie.providers.errors import NoCapacity, OverQuota, Refused, Throttled
from clustergenie.providers.simulated.journal import Journal, Vm
from clustergenie.providers.simulated.weather import Weather
from clustergenie.providers.sizes import IMAGES, SIZES

REGIONS = tuple(
    Region(slug=slug, name=name)
    for slug, name in (
        ("nyc1", "New York 1"),
        ("nyc3", "New York 3"),
        ("sfo3", "San Francisco 3"),
        ("ams3", "Amsterdam 3"),
        ("fra1", "Frankfurt 1"),
        ("lon1", "London 1"),
        ("sgp1", "Singapore 1"),
    )
)
_SIZES = {size.slug: size for size in SIZES}
_REGIONS = {region.slug for region in REGIONS}
_IMAGES = {image.slug for image in IMAGES}


class Cloud:
    """Machines by ref. Asked twice it makes two: tags are labels to a cloud, and no promise.

    With a path, machines survive a kill -9 of this process.
    """

    def __init__(self, path: Path | None = None, weather: Weather | None = None) -> None:
        self.weather = weather if weather is not None else Weather()
        self.random = random.Random(self.weather.seed)
        self.script: deque[tuple[str, Problem | None]] = deque()
        self._journal = Journal(path) if path is not None else None
        self.machines: dict[str, Vm] = self._journal.machines if self._journal else {}
        self._by_tag: dict[str, list[str]] = {}
        self._by_region: dict[str, int] = {}
        self._ghosts: dict[str, tuple[float, Vm]] = {}
        self._count = max((int(ref.removeprefix("sim-")) for ref in self.machines), default=0)
        for vm in self.machines.values():
            self._index(vm)

    def _index(self, vm: Vm) -> None:
        self._by_tag.setdefault(vm.tag, []).append(vm.ref)
        self._by_region[vm.region] = self._by_region.get(vm.region, 0) + 1

    def admit(self, order: Order) -> None:
        """Raises what stands in the way of one more machine: the script first, then chance, then room."""
        self.trouble("create")
        weather, luck = self.weather, self.random.random
        if luck() < weather.throttled:
            raise Throttled("The simulated cloud is busy.", retry_after=weather.retry_after_seconds)
        if luck() < weather.refused:
            raise Refused("The simulated cloud does not like this order.")
        if weather.quota is not None and len(self.machines) >= weather.quota:
            raise OverQuota(f"The simulated account may have {weather.quota} machines.")
        if self.full(order.region) or luck() < weather.no_capacity:
            raise NoCapacity(f"{order.region} has no room for {order.size} right now.")

    def full(self, region: str) -> bool:
        """Whether a region has no room left."""
        room = self.weather.capacity.get(region)
        return room is not None and self._by_region.get(region, 0) >= room

    def trouble(self, operation: str) -> None:
        """Raises the next scripted problem, if it is for this operation."""
        if self.script and self.script[0][0] == operation:
            problem = self.script.popleft()[1]
            if problem is not None:
                raise problem

    def loses_reply(self) -> bool:
        """Whether the caller will not hear about what was just done."""
        if self.script and self.script[0][0] == "lose-reply":
            self.script.popleft()
            return True
        return self.random.random() < self.weather.lost_reply

    def make(self, order: Order) -> Vm:
        """One more machine."""
        self._count += 1
        now, n = time.time(), self._count
        vm = Vm(
            ref=f"sim-{n:08d}",
            tag=order.droplet_id,
            installation=order.installation,
            name=order.name,
            cluster_id=order.cluster_id,
            region=order.region,
            size=order.size,
            image=order.image,
            created=now,
            boots=now + self.random.uniform(*self.weather.boot_seconds),
            nonce=f"{self.random.getrandbits(128):032x}",
            address=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
            token=order.bootstrap.token,
            heartbeat_seconds=order.bootstrap.heartbeat_seconds,
            server=order.bootstrap.server,
        )
        self.machines[vm.ref] = vm
        self._index(vm)
        self.save(vm)
        return vm

    def save(self, *changed: Vm) -> None:
        """Make changes to machines last."""
        if self._journal is not None:
            self._journal.put(*changed)

    def boot(self, vm: Vm) -> None:
        """Power a stopped machine on."""
        vm.stopped = vm.silent = False
        vm.boots = time.time() + self.random.uniform(*self.weather.boot_seconds)
        self.save(vm)

    def remove(self, ref: str) -> bool:
        """End a machine; whether there was one."""
        vm = self.machines.pop(ref, None)
        if vm is None:
            return False
        self._by_tag[vm.tag].remove(ref)
        if not self._by_tag[vm.tag]:
            del self._by_tag[vm.tag]
        self._by_region[vm.region] -= 1
        if self.weather.list_lag_seconds:
            self._ghosts[ref] = (time.time() + self.weather.list_lag_seconds, vm)
        if self._journal is not None:
            self._journal.drop(ref)
        return True

    def tagged(self, tag: str) -> list[Vm]:
        """The machines of a tag, as a list shows them."""
        horizon = time.time() - self.weather.list_lag_seconds
        found = (self.machines[ref] for ref in self._by_tag.get(tag, ()))
        return [vm for vm in found if vm.created <= horizon]

    def listed(self, installation: str) -> list[Vm]:
        """The machines of an installation, as a list shows them: late, if the weather says so."""
        now = time.time()
        horizon = now - self.weather.list_lag_seconds
        self._ghosts = {ref: ghost for ref, ghost in self._ghosts.items() if ghost[0] > now}
        ghosts = [vm for _, vm in self._ghosts.values() if vm.installation == installation]
        live = self.machines.values()
        return [vm for vm in live if vm.installation == installation and vm.created <= horizon] + ghosts

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


def check(order: Order) -> None:
    """Raises Refused for what is not in the catalog."""
    for kind, slug, known in (
        ("size", order.size, _SIZES),
        ("region", order.region, _REGIONS),
        ("image", order.image, _IMAGES),
    ):
        if slug not in known:
            raise Refused(f"There is no {kind} {slug!r}; there are {', '.join(sorted(known))}.")


def machine(vm: Vm, provider: str, now: float) -> Machine:
    """A machine as a driver reports it."""
    return Machine(
        ref=vm.ref,
        droplet_id=vm.tag,
        provider=provider,
        name=vm.name,
        region=vm.region,
        size=vm.size,
        image=vm.image,
        status="stopped" if vm.stopped else "starting" if now < vm.boots else "running",
        address=vm.address,
        created_at=from_micros(int(vm.created * 1e6)),
        hourly_usd_micros=_SIZES[vm.size].hourly_usd_micros,
        cluster_id=vm.cluster_id,
        limits="simulated",
    )
