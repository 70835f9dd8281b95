"""Put a whole installation on one machine: database, Redis, Kafka, a simulated cloud, two api and two workers."""

import contextlib
import importlib
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.live_server import NOBODY, Api, LiveServer, Reply, free_port
from tests.providers.cloud_process import CloudProcess
from tests.ratelimit.servers import RedisServer
from tests.servers import keep
from tests.waiting import poll_until

START_SECONDS = 180.0
"""Four replicas that start at once on two cores take their time."""
ANSWER_SECONDS = 5.0
PATIENCE_SECONDS = 120.0
"""How long a client goes on asking both api replicas before it calls the service unavailable."""


class DatabaseServer:
    """A MariaDB or PostgreSQL through all its lives over one data folder. What it says it kept is on the disk."""

    def __init__(self, kind: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.kind, self.folder = kind, folder
        self._command, address = keep.KINDS[kind](folder, durable=True)
        self.url = f"{address}/genie"
        self._server_url = f"{address}/{'postgres' if kind == 'postgresql' else 'mysql'}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin a life, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        poll_until(self._answers, 60)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        engine = engine_of(self._server_url)
        try:
            with engine.connect() as connection:
                return bool(connection.exec_driver_sql("SELECT 1").scalar())
        except Exception as failure:
            raise AssertionError(failure) from failure
        finally:
            engine.dispose()

    def make_database(self) -> None:
        """The empty database that the replicas share."""
        engine = engine_of(self._server_url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CREATE DATABASE genie")
        engine.dispose()

    def kill(self) -> None:
        """kill -9 of the server and of what it started."""
        process, self._process = self._process, None
        if process is not None:
            # PostgreSQL's SIGQUIT is its own "as if the power failed"; killed, it would leave processes behind.
            process.send_signal(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)
            process.wait(60)


def engine_of(url: str) -> Any:
    """An engine of the product's own for a server's address."""
    servers: Any = importlib.import_module("clustergenie.platform.servers")
    return servers.Server(url).engine


class Service:
    """The api replicas as one careful client sees them: who does not answer is passed over for the other."""

    def __init__(self, ports: list[int]) -> None:
        self.apis = [Api(port, timeout=ANSWER_SECONDS) for port in ports]
        self.asked = self.resent = 0
        self.unavailable: list[str] = []
        self.strange: list[str] = []
        self.longest_wait = 0.0

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None, first: int = 0) -> Reply | None:
        """The answer of whichever replica gives one; None when neither did for a long time, which is a fault."""
        self.asked += 1
        began = time.monotonic()
        turn, last = first, ""
        headers = {"Idempotency-Key": key} if key else None
        while time.monotonic() - began < PATIENCE_SECONDS:
            api = self.apis[turn % len(self.apis)]
            try:
                reply = api.send(method, path, body, headers=headers)
                if reply.status not in (502, 503, 504):
                    self._note(method, path, reply, began)
                    return reply
                last = f"{reply.status} {reply.body}"
            except NOBODY as failure:
                last = f"{type(failure).__name__}: {failure}"
            self.resent += 1
            turn += 1
            time.sleep(0.02 if turn % len(self.apis) else 0.1)
        self.unavailable.append(f"{method} {path}: {last}"[:300])
        return None

    def _note(self, method: str, path: str, reply: Reply, began: float) -> None:
        self.longest_wait = max(self.longest_wait, time.monotonic() - began)
        if reply.status >= 500:
            self.strange.append(f"{method} {path} was answered {reply.status}: {reply.body}"[:500])


class World:
    """Everything that runs. `kafka` may be left out."""

    def __init__(self, folder: Path, database: str, *, kafka: bool = True, drain_seconds: float = 3.0) -> None:
        self.folder = folder
        self.database = DatabaseServer(database, folder / database)
        self.redis = RedisServer(folder, free_port())
        brokers: Any = importlib.import_module("tests.servers.kafka_broker") if kafka else None
        self.kafka: Any = brokers.KafkaBroker(folder / "kafka") if kafka else None
        ports = self._ports(5)
        urls = ",".join(f"http://127.0.0.1:{port}" for port in ports[:2])
        self.cloud = CloudProcess(folder / "cloud", port=ports[4], servers=urls)
        self._shared = {
            "CLUSTERGENIE_DATABASE_URL": self.database.url,
            "CLUSTERGENIE_REDIS_URL": self.redis.url,
            "CLUSTERGENIE_PROVIDERS": "simulated",
            "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated",
            "CLUSTERGENIE_SIMULATED_URL": self.cloud.url,
            "CLUSTERGENIE_AGENT_URLS": urls,
            "CLUSTERGENIE_SECRET_KEY": secrets.token_hex(32),
            "CLUSTERGENIE_DRAIN_SECONDS": f"{drain_seconds:g}",
            "CLUSTERGENIE_AUTH": "off",
        }
        if kafka:
            self._shared["KAFKA_BROKERS"] = self.kafka.brokers
        self.apis = [self._replica("api", n, ports[n]) for n in (0, 1)]
        self.workers = [self._replica("worker", n, ports[2 + n]) for n in (0, 1)]
        self.service = Service(ports[:2])

    @staticmethod
    def _ports(count: int) -> list[int]:
        found: list[int] = []
        start = free_port()
        while len(found) < count:
            found.append(start + 3 * len(found))
        return found

    def _replica(self, role: str, number: int, port: int) -> LiveServer:
        return LiveServer(self.folder / f"{role}-{number}", port, CLUSTERGENIE_ROLE=role, **self._shared)

    def another(self, role: str, data_dir: Path, **changed: str) -> LiveServer:
        """One more process on the same database, set differently; not started."""
        return LiveServer(data_dir, free_port(), **{**self._shared, "CLUSTERGENIE_ROLE": role, **changed})

    @property
    def replicas(self) -> list[LiveServer]:
        return [*self.apis, *self.workers]

    def start(self) -> None:
        """Bring everything up, servers first; the first replica makes the schema."""
        self.database.start()
        self.database.make_database()
        self.redis.start()
        if self.kafka is not None:
            self.kafka.start()
        self.cloud.start()
        for replica in self.replicas:
            replica.spawn()
        for replica in self.replicas:
            replica.until_ready(START_SECONDS)

    def end(self) -> None:
        """Bring everything down."""
        for replica in self.replicas:
            with contextlib.suppress(AssertionError, OSError):
                if replica.running:
                    replica.kill()
        self.cloud.stop()
        if self.kafka is not None:
            self.kafka.kill()
        self.redis.kill()
        self.database.kill()


@contextlib.contextmanager
def world(folder: Path, database: str, **more: Any) -> Iterator[World]:
    """A world that has been started, and leaves nothing behind."""
    made = World(folder, database, **more)
    try:
        made.start()
        yield made
    finally:
        made.end()
