"""Run a simulated cloud as a process of its own: start, kill, restart, look at it, and let it misbehave."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.live_server import NOBODY, PROGRAM, free_port
from tests.waiting import poll_until


class CloudProcess:
    """One `clustergenie simulated-cloud` over one directory on one port, through all its lives."""

    def __init__(self, state: Path, *, port: int = 0, servers: str = "") -> None:
        self.state, self.port, self.servers = state, port or free_port(), servers
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = state.with_name(state.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "CloudProcess":
        """Start a life and wait until it answers."""
        words = ["simulated-cloud", "--state", str(self.state), "--port", str(self.port), "--servers", self.servers]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        def answers() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"The cloud ended with {self._process.returncode}:\n{self.log_file.read_text()}")
            with contextlib.suppress(*NOBODY):
                return self.send("GET", "/healthz")[0] == 200
            return False

        poll_until(answers)
        return self

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request. Raises NOBODY."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def machines(self) -> list[dict[str, Any]]:
        """Every machine there is, whoever's."""
        status, found = self.send("GET", "/machines")
        assert status == 200, found
        return list(found)

    def mischief(self, act: str, **wish: Any) -> None:
        """Let something go wrong."""
        status, answer = self.send("POST", f"/chaos/{act}", wish)
        assert status == 200, answer

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, if it runs."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None, "the cloud does not run"
        os.kill(process.pid, how)
        process.wait(20)
