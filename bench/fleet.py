"""A server at the console's design size: 10,000 simulated droplets, 100,000 jobs."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.server import Server

JOBS, DROPLETS = 100_000, 10_000
SENTENCE = f"{DROPLETS:,} droplets, {JOBS:,} jobs; server and browser on the same cores."
CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def large() -> Iterator[Server]:
    """The server, once everything in it has come to rest."""
    with Server() as server:
        _fill(server)
        yield server


def _fill(server: Server) -> None:
    """Droplets by a few jobs, jobs by wrk, until all of them are done."""
    cluster_id = server.call("POST", "/clusters", {"name": "large", "provider": "simulated"})["cluster"]["id"]
    left = DROPLETS
    while left:
        parameters = {"cluster_id": cluster_id, "count": min(left, 1000)}
        job = server.call("POST", "/jobs", {"type": "provision", "parameters": parameters})["job"]
        while server.call("GET", f"/jobs/{job['id']}")["job"]["status"] in ("pending", "running"):
            time.sleep(0.1)
        left -= parameters["count"]
    script = server.data_dir / "noop.lua"
    script.write_text(
        "wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\n"
        'wrk.body=\'{"type":"noop","parameters":{},"priority":200}\'\n'
    )
    url = f"http://127.0.0.1:{server.port}/api/v1/jobs"
    while server.call("GET", "/jobs?page_size=1")["total"] < JOBS:
        subprocess.run(["wrk", "-t1", "-c64", "-d5", "-s", str(script), url], check=True, capture_output=True)
    while server.call("GET", "/jobs?status=pending&page_size=1")["total"]:
        time.sleep(0.5)
