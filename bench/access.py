"""Measure what it costs to ask who is asking: `python -m bench.access`. Needs wrk.

The same `POST /jobs` on four servers in turns: one that knows nobody (and so keeps no audit trail of it), one whose
gate was taken out, one that trusts this machine, and one that is asked with one of a hundred API keys; before that
the gate alone, in this process.
"""

import argparse
import asyncio
import datetime as dt
import statistics
import time
from typing import Any

from bench.run import UNLIMITED, wrk
from bench.server import Server
from clustergenie import auth
from clustergenie.auth import credentials
from clustergenie.auth.keyring import KeyRecord, Keyring

PROGRAM = """
import sys
from clustergenie import auth
from clustergenie.auth.principal import enter
from clustergenie.cli import main
actor = {actor}
async def open_to_all(self, connection, handler): enter(actor)
auth.Gate.guard = open_to_all
sys.exit(main())
"""
UNGATED = PROGRAM.format(actor="auth.Actor(auth.LOOPBACK, '127.0.0.1', 'r', 't', 'operator')")
NOBODY = PROGRAM.format(actor="None")  # and so nothing in the audit trail
KEYS = 1_000
MADE = 100
CALLS = 100_000


def with_keys(server: Server) -> str:
    """Make some keys; the secret of the first, which is an admin's."""
    made = server.call("POST", "/auth/keys", {"name": "bench", "grants": [{"role": "admin"}]})
    server.key = made["secret"]
    for number in range(MADE - 1):
        server.call("POST", "/auth/keys", {"name": f"key {number}", "grants": [{"role": "viewer"}]})
    return str(made["secret"])


class Handler:
    """What the gate looks at of a route."""

    def __init__(self, allow: str) -> None:
        self.opt = {"allow": allow, "scoped": True}


class Asked:
    """What it looks at of a request."""

    def __init__(self, key: str) -> None:
        headers = [(b"host", b"127.0.0.1:8080"), (b"content-type", b"application/json"), (b"accept", b"*/*")]
        headers.append((b"authorization", f"Bearer {key}".encode()))
        self.scope: Any = {"headers": headers, "query_string": b"", "method": "POST", "client": ("127.0.0.1", 1)}
        self.scope |= {"state": {}, "path_params": {}}


class Nowhere:
    """Stands where the database would; the gate never asks it."""

    dialect = "sqlite"


async def gate_alone() -> float:
    """Microseconds for each request with a key."""
    database: Any = Nowhere()
    ring = Keyring(database, idle=dt.timedelta(hours=1))
    texts = [credentials.new_key() for _ in range(KEYS)]
    for number, text in enumerate(texts):
        who = auth.Principal(subject=f"key:{number}", name="k", kind="key", grants=(auth.Grant("operator"),))
        record = KeyRecord(str(number), text.prefix, credentials.digest(text.secret), who, None)
        ring._content.keys[text.prefix] = record
    gate, handler = auth.Gate(ring, trusting=False), Handler("operator")
    asked: list[Any] = [Asked(str(text)) for text in texts]
    begun = time.process_time()
    for number in range(CALLS):
        await gate.guard(asked[number % KEYS], handler)
    return (time.process_time() - begun) / CALLS * 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, nargs="*", default=(1, 32))
    options = parser.parse_args()
    print(f"the gate alone, with one of {KEYS:,} keys: {asyncio.run(gate_alone()):.1f} us CPU a request")
    names = ("nobody", "no gate", "this machine", "API key")
    with (
        Server(environment=UNLIMITED, program=NOBODY) as nobody,
        Server(environment=UNLIMITED, program=UNGATED) as ungated,
        Server(environment=UNLIMITED) as trusting,
        Server(environment=UNLIMITED) as keyed,
    ):
        key = with_keys(keyed)
        for connections in options.connections:
            found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for _ in range(options.rounds):
                for name, server in zip(names, (nobody, ungated, trusting, keyed), strict=True):
                    found[name].append(wrk(server, connections, options.seconds, key if name == "API key" else None))
            for name, many in found.items():
                rps, p50, cpu = (statistics.median(one[what] for one in many) for what in ("rps", "p50", "cpu"))
                print(f"{connections:>3} connections, {name:<12} {rps:>7,.0f}/s  p50 {p50:6.2f} ms  {cpu:5.0f} us CPU")


if __name__ == "__main__":
    main()
