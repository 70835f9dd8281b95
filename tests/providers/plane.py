"""Play the control plane to simulated agents, and scenes with a simulated driver."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from clustergenie.providers import SimulatedDriver
from clustergenie.providers.simulated import CALM, Weather
from tests.providers.accounts import opened
from tests.providers.orders import OURS
from tests.waiting import poll_until_async


class Plane:
    """The control plane's side of the agents' wire, in memory."""

    def __init__(self, heartbeat_seconds: float = 0.01) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        self.calls: list[tuple[str, dict[str, Any], str | None]] = []
        self.beats: Counter[str] = Counter()
        self.status: dict[str, int] = {}
        self.rotate: dict[str, str] = {}
        self.under_way = self.most_under_way = 0

    async def __call__(self, path: str, body: dict[str, Any], credential: str | None) -> tuple[int, dict[str, Any]]:
        self.calls.append((path, body, credential))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        droplet_id = body["droplet_id"]
        if droplet_id in self.status:
            return self.status[droplet_id], {}
        if path == "/enroll":
            return 200, {"credential": f"for-{droplet_id}", "heartbeat_seconds": self.heartbeat_seconds}
        self.beats[droplet_id] += 1
        fresh = self.rotate.pop(droplet_id, None)
        return 200, {"heartbeat_seconds": self.heartbeat_seconds, "credential": fresh, "directive": "run"}

    def enrolments(self) -> list[dict[str, Any]]:
        return [body for path, body, _ in self.calls if path == "/enroll"]

    def metrics(self, droplet_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            body["metrics"]
            for path, body, _ in reversed(self.calls)
            if path == "/heartbeat" and body["droplet_id"] == droplet_id
        )
        return found

    async def beaten(self, droplet_id: str, more: int = 2) -> None:
        """Wait for some more heartbeats."""
        wanted = self.beats[droplet_id] + more

        async def so() -> bool:
            return self.beats[droplet_id] >= wanted

        await poll_until_async(so)


def play(
    scenario: Callable[[SimulatedDriver], Awaitable[None]],
    *,
    plane: Plane | None = None,
    weather: Weather = CALM,
    path: Path | None = None,
) -> None:
    async def run() -> None:
        # A copy, because weather may be changed in place.
        conditions = Weather(**{name: getattr(weather, name) for name in weather.__struct_fields__})
        async with opened(SimulatedDriver("there", OURS, path=path, call=plane, weather=conditions)) as driver:
            await scenario(driver)

    asyncio.run(run())


async def quiet(plane: Plane) -> bool:
    before = len(plane.calls)
    await asyncio.sleep(0.1)
    return len(plane.calls) == before
