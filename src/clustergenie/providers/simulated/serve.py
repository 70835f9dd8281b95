"""Run a simulated cloud as a process of its own, for control planes of several replicas."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from clustergenie.platform import lock, serving, telemetry
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.telemetry import log
from clustergenie.providers.simulated.agents import Call
from clustergenie.providers.simulated.door import Door
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.site import Site
from clustergenie.providers.simulated.weather import Weather
from clustergenie.providers.simulated.wire import Lines

AGENTS = "/api/v1/agent"


class Voices:
    """What machines say to their control planes. `servers` (by commas) stand in for the ones their orders named."""

    def __init__(self, servers: str = "") -> None:
        """Raises ValueError for what is no address."""
        self._servers = servers
        self._ways: dict[str, Lines] = {}
        if servers:
            self._way(servers)

    def __call__(self, vm: Vm) -> Call:
        """The way of one machine's agent."""
        servers = self._servers or vm.server

        async def call(path: str, body: dict[str, Any], credential: str | None) -> tuple[int, dict[str, Any]]:
            headers = {"Authorization": f"Bearer {credential}"} if credential else {}
            try:
                status, reply = await self._way(servers).call("POST", AGENTS + path, body, headers)
            except ValueError as error:
                raise ConnectionError(str(error)) from error
            return status, reply if isinstance(reply, dict) else {}

        return call

    def _way(self, servers: str) -> Lines:
        if (way := self._ways.get(servers)) is None:
            way = self._ways[servers] = Lines(servers)
        return way

    async def close(self) -> None:
        """Close every connection."""
        for way in self._ways.values():
            await way.close()


def serve(*, host: str, port: int, state: Path, servers: str, seed: int, log_level: str) -> None:
    """Run until SIGTERM or SIGINT. Raises CannotStart with a sentence."""
    telemetry.configure_logs(log_level, "simulated-cloud")
    try:
        voices = Voices(servers)
    except ValueError as error:
        raise CannotStart(f"--servers is wrong: {error}.") from error
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStart(f"The directory {state} cannot be made: {error.strerror}; name another --state.") from error
    lock.take_lock(state / "machines.jsonl")
    listening = serving.bind(host, port)
    with contextlib.closing(listening), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listening, serving.url_of(host, listening), state, voices, seed))


async def _serve(listening: Any, url: str, state: Path, voices: Voices, seed: int) -> None:
    site = Site(path=state / "machines.jsonl", weather=Weather(seed=seed), voice=voices)
    await site.start()
    door: Any = Door(site)
    config = uvicorn.Config(
        door, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=60, timeout_graceful_shutdown=2
    )
    sys.stderr.write(f"A simulated cloud answers at {url} (machines in {state})\n")
    log().info("simulated cloud answers", url=url, state=str(state), machines=len(site.cloud.machines))
    try:
        await uvicorn.Server(config).serve(sockets=[listening])
    finally:
        await site.close()
        await voices.close()
