"""Run the control plane, or the ceiling, for a measurement."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLI = Path(sys.executable).parent / "clustergenie"
UNREACHED = {"CLUSTERGENIE_JOBS_RATE": "1e6", "CLUSTERGENIE_JOBS_CAP": "1000000"}
"""The limiter counts as it would, and never refuses."""
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One process with a private data directory; use it as a context."""

    def __init__(
        self, *, ceiling: bool = False, environment: dict[str, str] | None = None, program: str | None = None
    ) -> None:
        """`program` is run instead of the command line."""
        self._program = program
        self.port = free_port()
        self.key: str | None = None
        self.data_dir = Path(tempfile.mkdtemp(prefix="cg-bench-"))
        self._ceiling = ceiling
        self._environment = {**os.environ, **UNREACHED, **(environment or {})}
        # As installed by pip, which compiles: else the start is mostly a compiler's work.
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def __enter__(self) -> "Server":
        if self._ceiling:
            command = [sys.executable, str(HERE / "ceiling.py"), str(self.data_dir / "ceiling.db"), str(self.port)]
        else:
            run = [sys.executable, "-c", self._program] if self._program else [str(CLI)]
            command = [*run, "serve", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        begun = time.perf_counter()
        with (self.data_dir / "server.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                break
            except OSError:
                if time.perf_counter() - begun > 30 or self.process.poll() is not None:
                    raise
                time.sleep(0.002)
        self.seconds_to_first_answer = time.perf_counter() - begun
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        if not self._ceiling:
            subprocess.run(
                [str(CLI), "stop", "--data-dir", str(self.data_dir), "--droplets"], check=False, capture_output=True
            )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request to the API; its JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        connection.request(method, "/api/v1" + path, content, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {found}")
        return found

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
