"""Describe how a simulated cloud behaves: how slow, how full, how unreliable."""

import msgspec

Span = tuple[float, float]


class Weather(msgspec.Struct, kw_only=True):
    """The conditions, changeable at any time. Seconds are drawn between two bounds; rates are from 0 to 1 a call.

    `lost_reply`: the machine is made, but the caller only hears that there was no answer. `list_lag_seconds`: how
    long a new machine is missing from lists, and a destroyed one still in them. `capacity`: machines by region, no
    entry meaning no end. `crashes_per_hour`: of each running machine.
    """

    seed: int = 0
    create_seconds: Span = (0.01, 0.03)
    boot_seconds: Span = (0.05, 0.25)
    destroy_seconds: Span = (0.005, 0.02)
    list_lag_seconds: float = 0.0
    no_capacity: float = 0.0
    throttled: float = 0.0
    refused: float = 0.0
    lost_reply: float = 0.0
    retry_after_seconds: float = 0.1
    crashes_per_hour: float = 0.0
    capacity: dict[str, int] = {}
    quota: int | None = None


CALM = Weather(create_seconds=(0, 0), boot_seconds=(0, 0), destroy_seconds=(0, 0))
