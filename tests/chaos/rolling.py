"""Restart every replica of a world, one after the other, while clients keep asking: nobody is to notice."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import START_SECONDS, World
from tests.live_server import NOBODY, Api, LiveServer
from tests.waiting import poll_until

RETRIES = 1
"""A connection that is reset is sent again once, to another replica, as every load balancer and client does."""


@dataclass
class Balance:
    """What a load balancer that asks /readyz would see, and what its clients got."""

    asked: int = 0
    resent: int = 0
    failed: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)


class Caller(threading.Thread):
    """Asks for jobs and reads them, of replicas that say that they are ready."""

    def __init__(self, world: World, balance: Balance, ready: "ReadyOnes", number: int) -> None:
        super().__init__(name=f"caller {number}", daemon=True)
        self._world, self._balance, self._ready, self._number = world, balance, ready, number
        self.over = threading.Event()

    def run(self) -> None:
        n = 0
        while not self.over.wait(0.01):
            n += 1
            key = {"Idempotency-Key": f"rolling-{self._number}-{n}"}
            job = self._call("POST", "/jobs", {"type": "noop", "parameters": {}}, key)
            if job is not None:
                self._balance.jobs.append(job["job"]["id"])
                self._call("GET", f"/jobs/{job['job']['id']}", None, {})

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        self._balance.asked += 1
        tried: list[str] = []
        while len(tried) <= RETRIES:
            api = self._ready.pick(self._number + len(tried))
            try:
                reply = api.send(method, path, body, headers=headers)
            except NOBODY as reset:
                tried.append(f"{api.port}: {type(reset).__name__}: {reset}")
                self._balance.resent += 1
                continue
            if reply.ok:
                return reply.body
            tried.append(f"{api.port}: {reply.status} {reply.body}")
            break
        self._balance.failed.append(f"{method} {path}: {'; '.join(tried)}"[:600])
        return None


class ReadyOnes(threading.Thread):
    """Looks at /readyz of each api replica all the time, as load balancers do."""

    def __init__(self, apis: list[LiveServer]) -> None:
        super().__init__(name="balancer", daemon=True)
        self._apis = [Api(server.port, timeout=2.0) for server in apis]
        self._ready = list(self._apis)
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            found = [api for api in self._apis if self._answers(api)]
            self._ready = found or self._ready

    @staticmethod
    def _answers(api: Api) -> bool:
        try:
            return api.send("GET", "//readyz").status == 200
        except NOBODY:
            return False

    def pick(self, turn: int) -> Api:
        """One of those that were ready at the last look."""
        ready = self._ready
        return ready[turn % len(ready)]


def restart_all(world: World, callers: int = 3) -> Balance:
    """SIGTERM each replica in turn, start it again, wait until it is ready, and go on with the next."""
    balance, ready = Balance(), ReadyOnes(world.apis)
    asking = [Caller(world, balance, ready, n) for n in range(callers)]
    for thread in (ready, *asking):
        thread.start()
    try:
        poll_until(lambda: len(balance.jobs) > 10)
        for replica in world.replicas:
            assert replica.terminate() == 0
            replica.spawn()
            replica.until_ready(START_SECONDS)
            time.sleep(0.5)  # the balancer looks, and finds it
    finally:
        for thread in asking:
            thread.over.set()
        for thread in asking:
            thread.join(30)
        ready.over.set()
        ready.join(10)
    return balance
