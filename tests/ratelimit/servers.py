"""Run a real Redis for one test, on a free port, with a folder of its own; kill it, and bring it back."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.waiting import poll_until

KEEP_NOTHING = ("--save", "", "--appendonly", "no", "--daemonize", "no")


class RedisServer:
    """A redis-server through all its lives. It keeps nothing on disk: each life begins empty."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin a life, and wait until it answers."""
        assert self._process is None, "it runs already"
        self._process = subprocess.Popen(
            [program(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *KEEP_NOTHING],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
        poll_until(self.answers, 20)

    def answers(self) -> bool:
        """Whether it says PONG."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and answers nothing."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


def program() -> str:
    """Where redis-server is; test.sh installs it."""
    found = shutil.which("redis-server")
    assert found, "redis-server is missing: on Debian or Ubuntu, apt-get install redis-server"
    return found


@contextlib.contextmanager
def redis_server(folder: Path, port: int) -> Iterator[RedisServer]:
    """A server that has been started, and leaves nothing behind."""
    server = RedisServer(folder, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()
