"""Run a real Kafka broker (KRaft, no ZooKeeper) on free ports with a data folder of its own: kill it, bring it back."""

import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.waiting import poll_until

ROOT = Path(__file__).parent.parent.parent
# The listener PLAIN lets anybody in, as one who may do everything; SASL asks who one is, and gives no rights by itself.
USERS = {"clustergenie": "correct-horse", "stranger": "battery-staple"}
JAVA = ("java", "-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
"""


class KafkaBroker:
    """A broker through all its lives over one data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = settings
        """What it has other than `PROPERTIES` from its next start on, with `_` for `.`."""
        self.ports = dict(zip(("plain", "sasl", "controller"), _free_ports(3), strict=True))
        self.brokers = f"127.0.0.1:{self.ports['plain']}"
        self.sasl_brokers = f"127.0.0.1:{self.ports['sasl']}"
        self._process: subprocess.Popen[bytes] | None = None
        self._properties = folder / "server.properties"

    def format(self) -> None:
        """Make the data folder, as every new broker needs."""
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an id may begin with a hyphen, which by itself would be taken for an option.
        what = ("format", f"--cluster-id={cluster}", "-c", str(self._properties))
        command = [*_java(), "kafka.tools.StorageTool", *what]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
        own = "".join(f"{name.replace('_', '.')}={value}\n" for name, value in self.settings.items())
        self._properties.write_text(PROPERTIES.format(folder=self.folder, users=users, **self.ports) + own)

    def start(self) -> "KafkaBroker":
        """Begin a life, and wait until it answers."""
        assert self._process is None, "it runs already"
        self._configure()
        if not (self.folder / "data").exists():
            self.format()
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_java(), "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        poll_until(self.answers, 90)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def handed_over(self) -> int:
        """Its process id, for whoever ends it; this object forgets it."""
        process, self._process = self._process, None
        assert process is not None
        process.returncode = 0  # else it would warn that nobody waited for it
        return process.pid

    def answers(self) -> bool:
        """Whether it says which topics it has."""
        assert self._process is None or self._process.poll() is None, (self.folder / "broker.log").read_text()[-2000:]
        with socket.create_connection(("127.0.0.1", self.ports["plain"]), timeout=1):
            pass
        try:
            return bool(admin(self.brokers).list_topics(timeout=5).brokers)
        except KafkaException:
            return False

    def stop(self) -> None:
        """SIGTERM: it gives what it holds to the disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def admin(brokers: str) -> AdminClient:
    """A client that makes topics and gives rights."""
    return AdminClient({"bootstrap.servers": brokers, "log_level": 0})


def _java() -> list[str]:
    found = subprocess.run([ROOT / "tools" / "kafka.sh"], check=True, capture_output=True, text=True, timeout=600)
    return [*JAVA, "-cp", f"{found.stdout.strip()}/*"]


def _free_ports(count: int) -> list[int]:
    """Ports that neither outgoing connections nor droplets are given, so that a restart finds them free."""
    found: list[int] = []
    start = 20_000 + (os.getpid() * 41 + time.monotonic_ns()) % 4000
    for port in range(start, start + 5000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no port is free")


@contextlib.contextmanager
def kafka_broker(folder: Path, **settings: str) -> Iterator[KafkaBroker]:
    """A broker that has been started, and leaves nothing behind."""
    broker = KafkaBroker(folder, **settings)
    try:
        yield broker.start()
    finally:
        broker.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


def make_topics(brokers: str, *names: str, partitions: int = 1) -> None:
    """Make topics, and wait until they are there."""
    client = admin(brokers)
    for outcome in client.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        outcome.result(30)
