"""Write log lines to stdout in bunches: a system call for each would cost more than the line."""

import asyncio
import atexit
import sys
import threading
from typing import Any, BinaryIO

import msgspec

FLUSH_SECONDS = 0.05
MOST_BYTES = 65536
URGENT = frozenset({"warning", "error", "critical"})

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Lines:
    """JSON objects, one a line. Warnings and errors go out at once, the rest within 50 ms; at exit everything does."""

    def __init__(self, out: BinaryIO | None = None) -> None:
        self._out = out
        self._waiting: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        atexit.register(self.flush)

    def write(self, line: dict[str, Any]) -> None:
        """Take a line; values that are not JSON are written as `str`."""
        encoded = _encode(line)
        with self._lock:
            self._waiting.append(encoded)
            self._size += len(encoded)
        if line.get("level") in URGENT or self._size > MOST_BYTES:
            self.flush()
        elif self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
            except RuntimeError:  # no loop here (start-up, a database thread): nobody would flush later
                self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting, self._size, self._timer = self._waiting, [], 0, None
            if waiting:
                out = self._out or sys.stdout.buffer
                out.write(b"\n".join(waiting) + b"\n")
                out.flush()
