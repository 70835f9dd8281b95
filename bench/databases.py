"""Measure creating and finishing jobs on each database: `python -m bench.databases [--seconds N] [--rounds N]`.

SQLite, MariaDB and PostgreSQL take turns in each round, so that a noisy neighbour hits all of them. The servers are
the distribution's, started for this on the same machine, with every commit on the disk. Medians; nothing is a test.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.run import UNLIMITED, wrk
from bench.server import CLI, Server
from tests.servers import provide

KINDS = ("sqlite", "mariadb", "postgresql")
CONNECTIONS = 128


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
def processes(kind: str, name: str, workers: int) -> Iterator[Server]:
    """One api process, and so many workers; on SQLite everything is one process."""
    settings = environment(kind, name)
    shared = "CLUSTERGENIE_DATABASE_URL" in settings
    with contextlib.ExitStack() as stack:
        if not shared:
            yield stack.enter_context(Server(environment=settings))
            return
        cloud = {"CLUSTERGENIE_PROVIDERS": "simulated", "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated"}
        cloud["CLUSTERGENIE_SIMULATED_URL"] = "http://127.0.0.1:9"
        api = stack.enter_context(Server(environment={**settings, **cloud, "CLUSTERGENIE_ROLE": "api"}))
        key = (api.data_dir / "secret.key").read_text()
        for _ in range(workers):
            worker = Server(environment={**settings, **cloud, "CLUSTERGENIE_ROLE": "worker"})
            (worker.data_dir / "secret.key").write_text(key)
            stack.enter_context(worker)
        yield api


def creates(rounds: int, seconds: int) -> list[str]:
    """`POST /jobs` by one api process."""
    got: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for round_ in range(rounds):
        for kind in KINDS:
            with processes(kind, f"creates_{round_}", workers=0) as server:
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
    """No-op jobs finished, from the moment all of them become due."""
    with processes(kind, "finishes", workers=2) as server:
        due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5 + count / 500)
        body = {"type": "noop", "parameters": {}, "run_at": due.isoformat()}
        load = Path(server.data_dir / "load.lua")
        load.write_text(
            f"wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\nwrk.body='{json.dumps(body)}'\n"
        )
        while (queued := server.call("GET", "/jobs?status=pending&page_size=1")["total"]) < count:
            address = f"http://127.0.0.1:{server.port}/api/v1/jobs"
            command = ["wrk", "-t1", "-c64", "-d1", "-s", str(load), address]
            subprocess.run(command, check=True, capture_output=True)
        time.sleep(max(0.0, (due - dt.datetime.now(dt.UTC)).total_seconds()))
        begun = time.perf_counter()
        while server.call("GET", "/jobs?status=completed&page_size=1")["total"] < queued:
            time.sleep(0.05)
        rate = queued / (time.perf_counter() - begun)
    who = "one process" if kind == "sqlite" else "two workers"
    return f"| {kind} | no-op jobs claimed, run, completed, {who} | {rate:,.0f}/s ({queued:,} jobs) |"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=10_000)
    given = parser.parse_args()
    provide.claim_the_run()
    try:
        rows = creates(given.rounds, given.seconds)
        rows += [finishes(kind, given.jobs) for kind in KINDS]
    finally:
        provide.stop_all()
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print("\n".join(["| database | what | median |", "|---|---|---|", *rows, "", f"load average at the end: {load}"]))


if __name__ == "__main__":
    main()
