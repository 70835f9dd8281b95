"""Speak for every simulated machine: enrol, heartbeat, rotate, stop. One scheduler for thousands of agents."""

import asyncio
import heapq
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from clustergenie.platform.errors import Problem
from clustergenie.providers.simulated.cloud import Cloud
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.load import QUIET, Load, chance, metrics
from clustergenie.providers.sizes import SIZES

Call = Callable[[str, dict[str, Any], str | None], Awaitable[tuple[int, dict[str, Any]]]]
"""`call(path, body, credential)` → (status, reply), with the paths and bodies of the agent's wire."""

AT_ONCE = 256
SLOWEST_RETRY = 5.0
_SIZES = {size.slug: size for size in SIZES}


class Agents:
    """A heap of what is due, one task that serves it, and at most `AT_ONCE` calls under way."""

    def __init__(self, cloud: Cloud, voice: Callable[[Vm], Call]) -> None:
        self._cloud, self._voice = cloud, voice
        self._due: list[tuple[float, int, str]] = []
        self._order = 0
        self._turn: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._beats: dict[str, int] = {}
        self._random = random.Random(cloud.weather.seed)
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._calls: set[asyncio.Task[None]] = set()
        self._scheduler: asyncio.Task[None] | None = None
        self.loads: dict[str, tuple[float, Load]] = {}
        self.boot_id = f"simulated-{cloud.weather.seed}"

    def start(self) -> None:
        """Serve the machines that are there, and those to come. Those that enrolled before do not all speak at once."""
        for vm in self._cloud.machines.values():
            if vm.credential:
                self._schedule(vm.ref, self._random.random() * vm.heartbeat_seconds)
            else:
                self.expect(vm)
        self._scheduler = asyncio.get_running_loop().create_task(self._serve())

    async def close(self) -> None:
        """Stop speaking; calls under way are finished."""
        if self._scheduler is not None:
            self._scheduler.cancel()
            with suppress(asyncio.CancelledError):
                await self._scheduler
        if self._calls:
            await asyncio.wait(self._calls)

    def expect(self, vm: Vm) -> None:
        """A machine boots: its agent will speak when it is up."""
        self._schedule(vm.ref, max(0.0, vm.boots - time.time()))

    def _schedule(self, ref: str, seconds: float) -> None:
        self._order += 1
        self._turn[ref] = self._order
        due = (asyncio.get_running_loop().time() + seconds, self._order, ref)
        heapq.heappush(self._due, due)
        if self._due[0] is due:
            self._wake.set()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            pause = self._due[0][0] - loop.time() if self._due else None
            if pause is None or pause > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                continue
            _, turn, ref = heapq.heappop(self._due)
            vm = self._cloud.machines.get(ref)
            if vm is None or vm.stopped or vm.silent or self._turn.get(ref) != turn:
                continue
            await self._room.acquire()
            task = loop.create_task(self._speak(vm))
            self._calls.add(task)
            task.add_done_callback(self._called)

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._room.release()
        if not task.cancelled():
            task.result()

    async def _speak(self, vm: Vm) -> None:
        status, reply = 0, dict[str, Any]()
        try:
            status, reply = await (self._beat(vm) if vm.credential else self._enrol(vm))
        except (OSError, Problem):
            pass  # no answer
        finally:
            self._react(vm, status, reply)

    def _react(self, vm: Vm, status: int, reply: dict[str, Any]) -> None:
        if vm.ref not in self._cloud.machines:
            self._forget(vm.ref)
        elif status == 200:
            self._heard(vm, reply)
        elif status == 410:
            self._silence(vm)
        elif status == 401 and vm.credential and vm.token:
            vm.credential = ""
            self._schedule(vm.ref, 0.0)
        else:
            failures = self._failures[vm.ref] = self._failures.get(vm.ref, 0) + 1
            slow = SLOWEST_RETRY if status in (401, 409) else min(SLOWEST_RETRY, 2.0 ** min(failures - 1, 10))
            self._schedule(vm.ref, slow * (0.5 + self._random.random() / 2))

    async def _enrol(self, vm: Vm) -> tuple[int, dict[str, Any]]:
        body = {
            "droplet_id": vm.tag,
            "token": vm.token,
            "nonce": vm.nonce,
            "agent_version": "simulated",
            "boot_id": self.boot_id,
            "address": vm.address,
            "port": None,
            "pid": None,
        }
        return await self._voice(vm)("/enroll", body, None)

    async def _beat(self, vm: Vm) -> tuple[int, dict[str, Any]]:
        now = time.time()
        beat = self._beats[vm.ref] = self._beats.get(vm.ref, int(now * 1000)) + 1
        body = {
            "droplet_id": vm.tag,
            "seq": beat,
            "boot_id": self.boot_id,
            "agent_version": "simulated",
            "uptime_seconds": round(now - vm.boots, 3),
            "metrics": self.measure(vm, beat),
            "workloads": [],
        }
        return await self._voice(vm)("/heartbeat", body, vm.credential)

    def measure(self, vm: Vm, beat: int) -> dict[str, Any]:
        """What a machine reports in one heartbeat: the load set for it, else for its cluster, else a quiet one."""
        since, load = self.loads.get(vm.tag) or self.loads.get(vm.cluster_id or "") or (0.0, QUIET)
        seed = self._cloud.weather.seed
        chances = [chance(seed, vm.tag, beat, which) for which in range(5)]
        return dict(metrics(load, _SIZES[vm.size], time.monotonic() - since, chances))

    def _heard(self, vm: Vm, reply: dict[str, Any]) -> None:
        self._failures.pop(vm.ref, None)
        fresh = reply.get("credential")
        beat = reply.get("heartbeat_seconds")
        if fresh:
            first = not vm.credential
            vm.credential, vm.token = fresh, ""
            vm.heartbeat_seconds = beat or vm.heartbeat_seconds
            self._cloud.save(vm)
            if first:
                self._schedule(vm.ref, self._random.random() * min(1.0, vm.heartbeat_seconds))
                return
        if reply.get("directive") == "stop":
            self._silence(vm)
            return
        vm.heartbeat_seconds = beat or vm.heartbeat_seconds
        self._schedule(vm.ref, vm.heartbeat_seconds * (0.9 + 0.2 * self._random.random()))

    def _silence(self, vm: Vm) -> None:
        """The agent ended as it was told to; the machine stays until it is destroyed."""
        vm.silent = True
        self._cloud.save(vm)
        self._forget(vm.ref)

    def _forget(self, ref: str) -> None:
        self._failures.pop(ref, None)
        self._beats.pop(ref, None)
        self._turn.pop(ref, None)
