"""Measure creating and finishing jobs on each database: `python -m bench.databases [--seconds N] [--rounds N]`.

SQLite, MariaDB and PostgreSQL take turns in each round, so that a noisy neighbour hits all of them. The servers are
the distribution's, started for this on the same machine, with every commit on the disk. Medians; nothing is a test.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from bench.run import POST, UNLIMITED, wrk
from bench.server import CLI, Server
from tests.servers import provide

KINDS = ("sqlite", "mariadb", "postgresql")
CONNECTIONS = 128
AHEAD = "240"
"""Jobs that a worker claims ahead of a free slot: no-op jobs are over sooner than a claim."""


def environment(kind: str, name: str) -> dict[str, str]:
    """The settings of a process on a new database of this kind."""
    if kind == "sqlite":
        return dict(UNLIMITED)
    address = provide.server(f"{kind}-durable")
    subprocess.run([sys.executable, "-c", _CREATE, address, name], check=True)
    found = {**UNLIMITED, "CLUSTERGENIE_DATABASE_URL": f"{address}/{name}"}
    subprocess.run([str(CLI), "migrate", "up"], env={**os.environ, **found}, check=True, capture_output=True)
    return found


_CREATE = (
    "import sys; from sqlalchemy import create_engine; "
    "url = sys.argv[1].replace('mysql:', 'mysql+pymysql:').replace('postgresql:', 'postgresql+psycopg:'); "
    "engine = create_engine(url + ('/postgres' if 'psycopg' in url else '/mysql'), isolation_level='AUTOCOMMIT'); "
    "engine.connect().exec_driver_sql('CREATE DATABASE ' + sys.argv[2])"
)


@contextlib.contextmanager
def process(kind: str, name: str) -> Iterator[tuple[Server, Callable[[], Server]]]:
    """A process that answers the API, and what makes a worker beside it; on SQLite everything is one process."""
    settings = environment(kind, name)
    if "CLUSTERGENIE_DATABASE_URL" in settings:
        settings |= {"CLUSTERGENIE_PROVIDERS": "simulated", "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated"}
        settings |= {"CLUSTERGENIE_SIMULATED_URL": "http://127.0.0.1:9", "CLUSTERGENIE_ROLE": "api"}

    def worker() -> Server:
        made = Server(environment={**settings, "CLUSTERGENIE_ROLE": "worker", "CLUSTERGENIE_WORKER_QUEUE": AHEAD})
        (made.data_dir / "secret.key").write_text((api.data_dir / "secret.key").read_text())
        return made

    with Server(environment=settings) as api:
        yield api, worker


def creates(rounds: int, seconds: int) -> list[str]:
    """`POST /jobs` by one api process."""
    got: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for round_ in range(rounds):
        for kind in KINDS:
            with process(kind, f"creates_{round_}") as (server, _):
                got[kind].append(wrk(server, CONNECTIONS, seconds))
    rows = []
    for kind, several in got.items():
        one = {key: statistics.median(found[key] for found in several) for key in several[0]}
        rows.append(
            f"| {kind} | durable `POST /jobs`, {CONNECTIONS} connections, one api process | {one['rps']:,.0f}/s, "
            f"p50 {one['p50']:.1f} ms, p99 {one['p99']:.1f} ms, {one['cpu']:.0f} us CPU of the process |"
        )
    return rows


def finishes(kind: str, count: int) -> str:
    """No-op jobs that wait already, from when two workers have begun until none is left."""
    with process(kind, "finishes") as (api, worker), contextlib.ExitStack() as workers:
        while api.call("GET", "/jobs?status=pending&page_size=1")["total"] < count:
            address = f"http://127.0.0.1:{api.port}/api/v1/jobs"
            command = ["wrk", "-t1", "-c64", "-d1", "-s", str(POST), address]
            subprocess.run(command, check=True, capture_output=True)
        for _ in range(2):
            workers.enter_context(worker())
        before = completed(api)
        begun = time.perf_counter()
        while left(api) > 0:
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
        done = completed(api) - before
    return f"| {kind} | no-op jobs claimed, run, completed, two workers | {done / seconds:,.0f}/s ({done:,} jobs) |"


def completed(api: Server) -> int:
    """How many jobs have ended well."""
    return int(api.call("GET", "/jobs?status=completed&page_size=1")["total"])


def left(api: Server) -> int:
    """How many jobs have not ended."""
    queue = api.call("GET", "/observability/workerpool")["queue"]
    return int(queue["ready"] + queue["running"])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=20_000)
    given = parser.parse_args()
    provide.claim_the_run()
    try:
        rows = creates(given.rounds, given.seconds)
        rows += [finishes(kind, given.jobs) for kind in KINDS if kind != "sqlite"]
    finally:
        provide.stop_all()
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print("\n".join(["| database | what | median |", "|---|---|---|", *rows, "", f"load average at the end: {load}"]))


if __name__ == "__main__":
    main()
