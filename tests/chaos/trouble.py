"""Make trouble for a world on purpose, seeded: kill, stop and freeze replicas, take away Kafka, Redis, the database."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from clustergenie.cli.failures import FAILED
from tests.chaos.world import World
from tests.live_server import LiveServer

REFUSAL = "cannot be used"  # what a start says that ends because the database is away


@dataclass
class Window:
    """A stretch of time in which something was away, and how the service did in it."""

    what: str
    seconds: float = 0.0
    asked: int = 0
    unavailable: int = 0

    def told(self) -> str:
        """One line."""
        share = 100.0 * (1 - self.unavailable / self.asked) if self.asked else float("nan")
        return f"{self.what}: {self.seconds:.0f} s, {self.asked} requests, availability {share:.2f} %"


@dataclass
class Troubles:
    """What was done to the world."""

    acts: Counter[str] = field(default_factory=Counter)
    windows: list[Window] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    diary: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        """Write down what happens now."""
        self.diary.append(f"{time.monotonic() - self.began:7.1f} s  {what}")


class Killer(threading.Thread):
    """Ends replicas at random and starts them again, but never leaves no api replica ready by its own doing."""

    def __init__(self, world: World, troubles: Troubles, seed: int, pause: tuple[float, float]) -> None:
        super().__init__(name="killer", daemon=True)
        self._world, self._troubles, self._pause = world, troubles, pause
        self._random = random.Random(seed)
        self._over = threading.Event()
        self.faults: list[str] = []

    def stop(self) -> None:
        """Do no more harm."""
        self._over.set()

    def run(self) -> None:
        while not self._over.wait(self._random.uniform(*self._pause)):
            try:
                self._revive()
                self._strike(self._random.choice(self._world.replicas))
            except Exception as failure:  # noqa: BLE001 - it must not end unnoticed with this thread
                self.faults.append(f"killer: {type(failure).__name__}: {failure}")
        self._revive()

    def _revive(self) -> None:
        """What has ended by itself is started again, as any supervisor does; it may only refuse to start."""
        for replica in self._world.replicas:
            code = replica.ended()
            if code is None:
                continue
            words = f"{replica.data_dir.name} had ended with {code}: {replica.tail(3)[-600:]}"
            self._troubles.acts[f"{_role(replica)} had ended"] += 1
            self._troubles.note(words)
            refused = code == FAILED and REFUSAL in words
            (self._troubles.refusals if refused else self.faults).append(words)
            replica.spawn()

    def _strike(self, victim: LiveServer) -> None:
        others = [one for one in self._world.apis if one is not victim]
        if victim in self._world.apis and not all(_ready(one) for one in others):
            return
        role, chance = _role(victim), self._random.random()
        if chance < 0.7:
            act = "kill -9"
            victim.kill()
            self._over.wait(self._random.uniform(0, 1.5))
            victim.spawn()
        elif chance < 0.85:
            act = "SIGTERM"
            victim.terminate()
            victim.spawn()
        else:
            act = "SIGSTOP"
            os.kill(victim.pid, signal.SIGSTOP)
            try:
                self._over.wait(self._random.uniform(1, 12))
            finally:
                os.kill(victim.pid, signal.SIGCONT)
        self._troubles.acts[f"{role} {act}"] += 1
        self._troubles.note(f"{victim.data_dir.name} {act}")


def _role(replica: LiveServer) -> str:
    return replica.data_dir.name.partition("-")[0]


def _ready(replica: LiveServer) -> bool:
    try:
        return replica.running and replica.is_ready()
    except RuntimeError:
        return False


@contextmanager
def without(world: World, troubles: Troubles, what: str) -> Iterator[None]:
    """Count how the service does inside the block."""
    service, window = world.service, Window(what)
    began, asked, unavailable = time.monotonic(), service.asked, len(service.unavailable)
    troubles.note(what)
    try:
        yield
    finally:
        window.seconds = time.monotonic() - began
        window.asked = service.asked - asked
        window.unavailable = len(service.unavailable) - unavailable
        troubles.windows.append(window)
        troubles.note(f"{what}: over")


def outages(world: World, troubles: Troubles, *, kafka_seconds: float, redis_seconds: float, rest: float) -> None:
    """The database restarted twice, Kafka and Redis away for a while in between."""
    time.sleep(rest)
    restart_database(world, troubles)
    time.sleep(rest)
    if world.kafka is not None:
        with without(world, troubles, "Kafka is away"):
            world.kafka.kill()
            time.sleep(kafka_seconds)
        world.kafka.start()
    with without(world, troubles, "Redis is away"):
        world.redis.kill()
        time.sleep(redis_seconds)
    world.redis.start()
    restart_database(world, troubles)
    time.sleep(rest)


def restart_database(world: World, troubles: Troubles) -> None:
    """It dies, and comes back."""
    with without(world, troubles, "the database is restarted"):
        world.database.kill()
        world.database.start()
