"""Measure everything the README claims, in one run: `python -m bench.run [--quick]`. Needs wrk.

Creating jobs is measured beside a ceiling on the same machine at the same time, alternating, so that a noisy
neighbour hits both. Medians of several rounds; nothing here is a test.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.server import CLI, Server

POST = Path(__file__).parent / "post.lua"
RESULTS = Path(__file__).parent / "RESULTS.md"
UNLIMITED = {"CLUSTERGENIE_JOBS_RATE": "1000000", "CLUSTERGENIE_JOBS_CAP": "1000000"}
"""The limiter still decides about every request; it only says yes."""


def wrk(server: Server, connections: int, seconds: int, key: str | None = None) -> dict[str, float]:
    """Requests per second, p50 and p99 in ms, and processor microseconds per request."""
    used = server.cpu_seconds()
    environment = {**os.environ, "BENCH_LATER": "1", **({"BENCH_KEY": key} if key else {})}
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(POST), f"http://127.0.0.1:{server.port}/api/v1/jobs"],
        check=True, capture_output=True, text=True, env=environment,
    ).stdout  # fmt: skip
    found = json.loads(next(line for line in out.splitlines() if line.startswith("RESULT")).removeprefix("RESULT "))
    if found["errors"]:
        raise RuntimeError(f"{found['errors']} requests were not accepted: {out}")
    return {
        "rps": found["requests"] / found["seconds"],
        "p50": found["p50_ms"],
        "p99": found["p99_ms"],
        "cpu": (server.cpu_seconds() - used) / found["requests"] * 1e6,
    }


def creates(rounds: int, seconds: int) -> list[str]:
    """`POST /jobs` beside the ceiling."""
    rows = []
    with Server(ceiling=True) as ceiling, Server(environment=UNLIMITED) as ours:
        for connections in (1, 32, 128):
            top, got = [], []
            for _ in range(rounds):
                top.append(wrk(ceiling, connections, seconds))
                got.append(wrk(ours, connections, seconds))
            best, mine = ({key: statistics.median(one[key] for one in many) for key in many[0]} for many in (top, got))
            ratio = statistics.median(a["rps"] / b["rps"] for a, b in zip(got, top, strict=True))
            rows.append(
                f"| durable `POST /jobs`, {connections} connections | {mine['rps']:,.0f}/s, p50 {mine['p50']:.1f} ms, "
                f"p99 {mine['p99']:.1f} ms, {mine['cpu']:.0f} us CPU | ceiling {best['rps']:,.0f}/s, p99 "
                f"{best['p99']:.1f} ms, {best['cpu']:.0f} us CPU; **{ratio:.0%} of it** |"
            )
    return rows


def finishes(count: int) -> list[str]:
    """No-op jobs claimed, run and completed, from the moment all of them become due."""
    with Server(environment=UNLIMITED) as server:
        due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4 + count / 1500)
        body = {"type": "noop", "parameters": {}, "run_at": due.isoformat()}
        load = Path(server.data_dir / "load.lua")
        load.write_text(
            f"wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\nwrk.body='{json.dumps(body)}'\n"
        )
        while (queued := server.call("GET", "/jobs?status=pending&page_size=1")["total"]) < count:
            subprocess.run(
                ["wrk", "-t1", "-c64", "-d1", "-s", str(load), f"http://127.0.0.1:{server.port}/api/v1/jobs"],
                check=True, capture_output=True,
            )  # fmt: skip
        time.sleep(max(0.0, (due - dt.datetime.now(dt.UTC)).total_seconds()))
        begun = time.perf_counter()
        while server.call("GET", "/jobs?status=completed&page_size=1")["total"] < queued:
            time.sleep(0.05)
        rate = queued / (time.perf_counter() - begun)
    return [f"| no-op jobs claimed, run, completed | {rate:,.0f}/s ({queued:,} jobs) | |"]


def provision(provider: str, count: int) -> tuple[float, float]:
    """Seconds from the request until every droplet is active; resident MB after."""
    with Server() as server:
        begun = time.perf_counter()
        parameters = {"cluster_id": "cluster-1", "count": count, "provider": provider}
        job = server.call("POST", "/jobs", {"type": "provision", "parameters": parameters})["job"]
        while (seen := server.call("GET", f"/jobs/{job['id']}")["job"])["status"] in ("pending", "running"):
            time.sleep(0.02)
        took = time.perf_counter() - begun
        if seen["status"] != "completed" or seen["result"]["active"] != count:
            raise RuntimeError(f"provisioning ended as {seen}")
        return took, server.resident_mb()


def idle(seconds: int) -> list[str]:
    """Cold start, memory and processor of a server that nobody uses."""
    starts = []
    for _ in range(5):
        with Server() as server:
            starts.append(server.seconds_to_first_answer)
    with Server() as server:
        time.sleep(3)
        used, begun = server.cpu_seconds(), time.perf_counter()
        time.sleep(seconds)
        share = (server.cpu_seconds() - used) / (time.perf_counter() - begun)
        memory = server.resident_mb()
    return [
        f"| cold start, new data directory, to first 200 | {statistics.median(starts):.2f} s | |",
        f"| resident memory, idle | {memory:.0f} MB | |",
        f"| processor, idle | {share:.2%} of a core | |",
    ]


def starts_of_cli(rounds: int) -> list[str]:
    """How long the command line takes to say something."""
    rows = []
    for arguments in (["--help"], ["--version"]):
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            subprocess.run([str(CLI), *arguments], check=True, capture_output=True)
            took.append((time.perf_counter() - begun) * 1000)
        python = []
        for _ in range(rounds):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", "pass"], check=True, capture_output=True)
            python.append((time.perf_counter() - begun) * 1000)
        rows.append(
            f"| `clustergenie {arguments[0]}` | {statistics.median(took):.0f} ms | "
            f"bare Python {statistics.median(python):.0f} ms |"
        )
    return rows


def main() -> None:
    """Run, print, and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, nothing written")
    quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk: apt-get install wrk.")
    rows = creates(1 if quick else 5, 2 if quick else 5)
    rows += finishes(2_000 if quick else 20_000)
    took = [provision("local", 50)[0] for _ in range(1 if quick else 3)]
    rows.append(f"| 50 local droplets to active | {statistics.median(took):.1f} s | |")
    seconds, memory = provision("simulated", 1_000 if quick else 10_000)
    rows.append(
        f"| {1_000 if quick else 10_000:,} simulated droplets to active | {seconds:.1f} s | {memory:.0f} MB resident |"
    )
    rows += idle(5 if quick else 30)
    rows += starts_of_cli(5 if quick else 15)
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    text = "\n".join(["| what | median | beside |", "|---|---|---|", *rows])
    _say(text)
    if not quick:
        RESULTS.write_text(
            f"# Results of `python -m bench.run`\n\n{dt.datetime.now(dt.UTC):%Y-%m-%d}, "
            f"{os.cpu_count()} cores shared by server and load generator, "
            f"Python {sys.version.split()[0]}, load average at the end {load}.\n\n{text}\n"
        )


def _say(text: Any) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
