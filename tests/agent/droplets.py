"""Run real agents for tests, each in a session of its own, and end them."""

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.waiting import poll_until

AGENT = Path(__file__).parents[2] / "src" / "clustergenie" / "agent.py"


class Droplet:
    """One agent with its files. `stop` ends its whole session."""

    def __init__(self, directory: Path, server: str, python: str = sys.executable, **bootstrap: Any) -> None:
        self.state = directory / "state"
        self.state.mkdir(parents=True)
        self.bootstrap = directory / "bootstrap.json"
        self.log = directory / "agent.log"
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        content = {
            "server": server,
            "droplet_id": "droplet-1",
            "token": "cgt-secret",
            "heartbeat_seconds": 0.1,
            "backoff_seconds": 0.2,
            "scope": "session",
            "size": {"vcpus": 1, "memory_mb": 512, "disk_gb": 1},
        }
        self.bootstrap.write_text(json.dumps({**content, **bootstrap}))

    def start(self, below: str = "") -> "Droplet":
        """Start the agent, if need be from a shell script that ends in `exec "$@"`."""
        environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "CG_TEST_RUN")},
            "CG_DROPLET_ID": "droplet-1",
            "CG_STATE_DIR": str(self.state),
        }
        command = [self._python, "-I", "-S", str(AGENT), "--bootstrap", str(self.bootstrap), "--state", str(self.state)]
        command = ["sh", "-c", below, "sh", *command] if below else command
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, start_new_session=True, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def exit_code(self, seconds: float = 10) -> int:
        """Wait for the agent to end."""
        assert self._process is not None
        return self._process.wait(seconds)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it, however it is."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def said(self) -> str:
        return self.log.read_text()

    def hears(self, words: str, seconds: float = 10) -> str:
        """Wait until the log says so."""
        return poll_until(lambda: self.said() if words in self.said() else "", seconds)

    def stored(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / name).read_text())
        return found

    def token(self) -> str | None:
        found: str | None = json.loads(self.bootstrap.read_text())["token"]
        return found


def visit(address: str, port: int, path: str = "/", method: str = "GET") -> tuple[int, dict[str, Any]]:
    """Ask a droplet."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        content = reply.read()
        return reply.status, json.loads(content) if content else {}
    finally:
        connection.close()
