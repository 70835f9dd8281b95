"""Find a driver by its name, and start and stop all of them together."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart
from clustergenie.providers.driver import Driver, OnGone
from clustergenie.providers.errors import UnknownProvider
from clustergenie.providers.local import LocalDriver
from clustergenie.providers.simulated import Call, SimulatedDriver, Weather

KINDS = ("local", "simulated")


class Registry(Mapping[str, Driver]):
    """The drivers of this installation, by name."""

    def __init__(self, *drivers: Driver) -> None:
        self._drivers = {driver.name: driver for driver in drivers}

    def __getitem__(self, name: str) -> Driver:
        """The driver of that name. Raises UnknownProvider, so that a wrong name in a request is a 422."""
        try:
            return self._drivers[name]
        except KeyError:
            known = ", ".join(self._drivers)
            raise UnknownProvider(f"There is no provider {name[:140]!r}; there are {known}.") from None

    def __contains__(self, name: object) -> bool:
        return name in self._drivers

    def __iter__(self) -> Iterator[str]:
        return iter(self._drivers)

    def __len__(self) -> int:
        return len(self._drivers)

    async def start(self) -> None:
        """Start every driver, one after the other; each finds the machines it has. Raises CannotStart."""
        for driver in self._drivers.values():
            await driver.start()

    async def close(self) -> None:
        """Close every driver, also those that never started; machines keep running."""
        await asyncio.gather(*(driver.close() for driver in self._drivers.values()))


def build(
    settings: Settings,
    installation: str,
    *,
    server_url: str,
    call: Call | None = None,
    on_gone: OnGone | None = None,
    weather: Weather | None = None,
) -> Registry:
    """The drivers that the settings name.

    `server_url` is where agents on this computer reach the control plane, `call` carries what simulated agents say.
    Raises CannotStart for a provider that does not exist.
    """
    drivers: list[Driver] = []
    for name in settings.providers:
        if name == "local":
            drivers.append(LocalDriver(name, settings.data_dir, installation, server_url, on_gone=on_gone))
        elif name == "simulated":
            path = Path(settings.simulated_file or settings.data_dir / "simulated" / "machines.jsonl")
            url = settings.simulated_url
            drivers.append(
                SimulatedDriver(name, installation, path=path, call=call, weather=weather, on_gone=on_gone, url=url)
            )
        else:
            raise CannotStart(f"The setting providers names {name!r}, but there are only {', '.join(KINDS)}.")
    return Registry(*drivers)
