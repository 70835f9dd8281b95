"""Choose the moments at which a control plane is killed: at random, and right after something happened."""

import contextlib
import http.client
import random
import threading
import time

from tests.live_server import LiveServer

LATEST_SECONDS = 0.8
AIMS = (
    "job_requested", "job_started", "job_progress", "job_completed", "job_failed", "job_cancelled", "droplet_created",
    "droplet_updated", "droplet_active", "droplet_deleted", "cluster_created", "cluster_updated", "cluster_deleted",
)  # fmt: skip


class Watcher(threading.Thread):
    """Listens to the live feed of one life, and says when the n-th event of some type came."""

    def __init__(self, server: LiveServer, wanted: str, nth: int) -> None:
        super().__init__(name=f"watcher of {wanted}", daemon=True)
        self._port, self._wanted, self._left = server.port, wanted, nth
        self.seen = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), contextlib.closing(connection):
            connection.request("GET", "/api/v1/events/stream")
            stream = connection.getresponse()
            while line := stream.readline():
                if line.startswith(b"event: ") and line[7:].strip().decode() == self._wanted:
                    self._left -= 1
                    if self._left <= 0:
                        self.seen.set()
                        return


def wait_for_the_moment(server: LiveServer, chance: random.Random) -> str:
    """Return when this life is to end; how that was chosen. The server has been spawned; it may not be ready yet."""
    if chance.random() < 0.12:
        seconds = chance.uniform(0.05, 1.2)
        time.sleep(seconds)
        return f"{seconds:.3f} s into the start"
    server.until_ready()
    if chance.random() < 0.45:
        seconds = chance.uniform(0, LATEST_SECONDS)
        time.sleep(seconds)
        return f"{seconds:.3f} s after it was ready"
    wanted, nth = chance.choice(AIMS), chance.randint(1, 4)
    delay = chance.choice((0.0, 0.0, 0.002, 0.01, 0.05, 0.15))
    watcher = Watcher(server, wanted, nth)
    watcher.start()
    came = watcher.seen.wait(LATEST_SECONDS)
    time.sleep(delay)
    return f"{delay * 1000:.0f} ms after {wanted} number {nth}" if came else f"no {wanted} number {nth} came"
