"""Say what every provider can do: the driver protocol, and what goes in and comes out of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

import msgspec

MachineStatus = Literal["starting", "running", "stopped"]
OnGone = Callable[[str], None]
"""Called on the event loop with the droplet id of a machine that ended by itself."""


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent needs to enrol. The token is a secret: never on a command line, never in a log."""

    server: str
    droplet_id: str
    token: str
    heartbeat_seconds: float = 5.0
    ca_pem: str | None = None

    def __repr__(self) -> str:
        return f"Bootstrap(server={self.server!r}, droplet_id={self.droplet_id!r}, token=…)"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for one machine. `droplet_id` is its tag: one machine per tag, however often it is ordered."""

    installation: str
    droplet_id: str
    name: str
    region: str
    size: str
    image: str
    bootstrap: Bootstrap
    cluster_id: str | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as its provider sees it. `ref` is the provider's own name for it, opaque to everyone else.

    `starting` may still become anything, `running` has a live agent process as far as the provider can tell, and
    `stopped` will not come back unless it is ordered again. `limits` says how its size is enforced.
    """

    ref: str
    droplet_id: str
    provider: str
    name: str
    region: str
    size: str
    image: str
    status: MachineStatus
    created_at: datetime
    address: str | None = None
    port: int | None = None
    hourly_usd_micros: int = 0
    cluster_id: str | None = None
    limits: str = ""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A place where machines can be."""

    slug: str
    name: str
    available: bool = True


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How big a machine is, and what it costs per hour in millionths of a US dollar."""

    slug: str
    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    hourly_usd_micros: int = 0
    available: bool = True


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine starts from."""

    slug: str
    name: str
    available: bool = True


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """What can be ordered. With `any_region` or `any_image`, other slugs are accepted too and kept as labels."""

    regions: list[Region]
    sizes: list[Size]
    images: list[Image]
    any_region: bool = False
    any_image: bool = False
    note: str = ""

    def size(self, slug: str) -> Size | None:
        """The size of that slug, if there is one."""
        return next((size for size in self.sizes if size.slug == slug), None)


class Driver(Protocol):
    """One provider account. Every method may be repeated: after any failure, doing it again is safe.

    Beside what each method names, all of them raise Throttled and NoAnswer.
    """

    name: str
    kind: str
    concurrency: int
    """How many calls may be under way at once."""
    poll_seconds: float
    """How often to look again at a machine that is starting."""

    async def start(self) -> None:
        """Find the machines that are there already, and learn what this host or account can do."""

    async def close(self) -> None:
        """Let go; machines keep running."""

    async def create(self, order: Order) -> Machine:
        """The machine with the order's tag: the existing one if there is one, never a second.

        Ordered again, a stopped machine is started and one that has not enrolled yet learns the new token.
        Raises NoCapacity, OverQuota, Refused.
        """
        ...

    async def get(self, ref: str) -> Machine:
        """One machine. Raises MachineNotFound."""
        ...

    async def list(self) -> list[Machine]:
        """Every machine of this installation, and of no other."""
        ...

    async def destroy(self, ref: str) -> None:
        """End a machine and whatever runs in it. Gone already is success."""

    async def catalog(self) -> Catalog:
        """What can be ordered here."""
        ...
