"""Reach the machines: one protocol, one vocabulary of errors, and the drivers that speak them."""

from clustergenie.providers import local
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
    "Size",
    "Throttled",
    "UnknownProvider",
    "local",
]
