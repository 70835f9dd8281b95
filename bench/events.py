"""Measure how long an event takes from its commit to a consumer on Kafka: `python -m bench.events [--seconds N]`.

A real server does no-op jobs, three events each, at a steady rate; another process reads the topic and compares its
clock with each event's time, which is the transaction's. Broker and database servers are those of the tests.
"""

import argparse
import contextlib
import datetime as dt
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Consumer

from bench.server import Server
from tests import databases
from tests.servers import provide
from tests.servers.kafka_broker import KafkaBroker, kafka_broker

RESULTS = Path(__file__).parent / "RESULTS.md"
RATE = 500
EVENTS_A_JOB = 3
CONNECTIONS = 4
WARM_SECONDS = 5.0


def consume(brokers: str, topic: str, seconds: float) -> None:
    """Print the latencies in milliseconds of what comes within that time, as JSON."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bench",
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([topic])
    found: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            arrived = time.time()
            happened = dt.datetime.fromisoformat(json.loads(message.value())["timestamp"]).timestamp()
            found.append((arrived - happened) * 1000)
    consumer.close()
    sys.stdout.write(json.dumps(found))


def post_jobs(port: int, per_second: float, until: float) -> None:
    """No-op jobs over one connection, at a steady rate."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    due = time.monotonic()
    while time.monotonic() < until:
        body = json.dumps({"type": "noop", "parameters": {}})
        connection.request("POST", "/api/v1/jobs", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        if reply.status != 201:
            raise RuntimeError(f"a job was answered {reply.status}")
        due += 1 / per_second
        time.sleep(max(0.0, due - time.monotonic()))


def measure(broker: KafkaBroker, kind: str, url: str | None, seconds: float) -> str:
    """One row of the results."""
    topic = f"bench-{kind}"
    environment = {"KAFKA_BROKERS": broker.brokers, "KAFKA_TOPIC": topic, "CLUSTERGENIE_JOBS_SCOPE": "none"}
    if url is not None:
        environment["CLUSTERGENIE_DATABASE_URL"] = url
    with Server(environment=environment) as server:
        time.sleep(WARM_SECONDS)
        command = [
            sys.executable,
            "-m",
            "bench.events",
            "--consume",
            broker.brokers,
            topic,
            str(seconds + WARM_SECONDS),
        ]
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(WARM_SECONDS)
        until = time.monotonic() + seconds - 1
        rate = RATE / EVENTS_A_JOB / CONNECTIONS
        posting = [threading.Thread(target=post_jobs, args=(server.port, rate, until)) for _ in range(CONNECTIONS)]
        for thread in posting:
            thread.start()
        for thread in posting:
            thread.join()
        found = sorted(json.loads(reader.communicate(timeout=60)[0]))
    p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
    return f"| {kind} | {len(found) / (seconds - 1):.0f}/s | {p50:.0f} ms | {p99:.0f} ms | {found[-1]:.0f} ms |"


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str | None]]:
    """An address of each kind of database; SQLite needs none."""
    os.environ.setdefault("CG_TEST_RUN", "bench")
    provide.claim_the_run()
    try:
        found: dict[str, str | None] = {"sqlite": None}
        for kind in ("mariadb", "postgresql"):
            url = databases.bare(f"{kind}-durable").url
            found[kind] = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
        yield found
    finally:
        provide.stop_all()


def main() -> None:
    """Measure on each database, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--consume", nargs=3, metavar=("BROKERS", "TOPIC", "SECONDS"))
    asked = parser.parse_args()
    if asked.consume:
        consume(asked.consume[0], asked.consume[1], float(asked.consume[2]))
        return
    print("| database | events | p50 | p99 | longest |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, kafka_broker(Path(folder) / "kafka") as broker, servers() as found:
        for kind, url in found.items():
            print(measure(broker, kind, url, asked.seconds), flush=True)


if __name__ == "__main__":
    main()
