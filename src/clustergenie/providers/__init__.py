"""Reach the machines: one protocol, one vocabulary of errors, and the drivers that speak them."""

from clustergenie.providers import local, simulated
from clustergenie.providers.driver import (
    Bootstrap,
    Catalog,
    Driver,
    Image,
    Machine,
    OnGone,
    Order,
    Region,
    Size,
)
from clustergenie.providers.errors import (
    MachineNotFound,
    NoAnswer,
    NoCapacity,
    OverQuota,
    Refused,
    Throttled,
    UnknownProvider,
)
from clustergenie.providers.local import LocalDriver
from clustergenie.providers.registry import Registry, build
from clustergenie.providers.simulated import SimulatedDriver

__all__ = [
    "Bootstrap",
    "Catalog",
    "Driver",
    "Image",
    "LocalDriver",
    "Machine",
    "MachineNotFound",
    "NoAnswer",
    "NoCapacity",
    "OnGone",
    "Order",
    "OverQuota",
    "Refused",
    "Region",
    "Registry",
    "SimulatedDriver",
    "Size",
    "Throttled",
    "UnknownProvider",
    "build",
    "local",
    "simulated",
]
