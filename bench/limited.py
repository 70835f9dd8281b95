"""Measure what the limiter adds to a request, in memory and with Redis: `python -m bench.limited [--rounds N]`.

`POST /jobs` on one connection, which waits for nothing but its own answer: without limits, with a limit that is counted
in memory, and with one that is counted in Redis. They take turns in each round. Medians; nothing is a test.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.run import UNLIMITED, wrk
from bench.server import Server
from tests.live_server import free_port
from tests.ratelimit.servers import RedisServer


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with ExitStack() as stack:
        redis = RedisServer(Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port())
        redis.start()
        stack.callback(redis.kill)
        none = {"CLUSTERGENIE_JOBS_SCOPE": "none", "CLUSTERGENIE_DIAG_SCOPE": "none"}
        kinds = {"no limit": none, "memory": UNLIMITED, "Redis": {**UNLIMITED, "CLUSTERGENIE_REDIS_URL": redis.url}}
        servers = {kind: stack.enter_context(Server(environment=settings)) for kind, settings in kinds.items()}
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(given.rounds):
            for kind, server in servers.items():
                found[kind].append(wrk(server, 1, 2)["p50"])
    bare = statistics.median(found["no limit"])
    print("| limit | p50 | added |\n|---|---|---|")
    for kind, several in found.items():
        print(f"| {kind} | {statistics.median(several):.3f} ms | {statistics.median(several) - bare:+.3f} ms |")


if __name__ == "__main__":
    main()
