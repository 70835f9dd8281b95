"""Run the real control plane as a process of its own: start, kill, restart in the same place, and talk to it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from clustergenie.providers import local
from tests.waiting import poll_until

PROGRAM = "import sys; from clustergenie.cli import main; sys.exit(main())"
API = "/api/v1"
START_SECONDS = 180.0
STOP_SECONDS = 60.0
UNLIMITED = {"CLUSTERGENIE_JOBS_SCOPE": "none", "CLUSTERGENIE_DIAG_SCOPE": "none"}
"""Tests ask faster than anyone may by default; those of the limiter set limits of their own."""
NOBODY = (OSError, http.client.HTTPException, ValueError)
"""What a call raises when the server went away in the middle of it: whether it acted is not known."""


class Reply(NamedTuple):
    """An answer; `body` is JSON where the server said so, else text."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def ok(self) -> bool:
        return self.status < 300


class Api:
    """A small HTTP client of one server. Paths are below /api/v1 unless they begin with `//` (the root)."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.port, self.timeout = port, timeout

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:
        """One request on a connection of its own. Raises NOBODY."""
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if content is not None else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            target = path[1:] if path.startswith("//") else API + path
            connection.request(method, target, content, {**sent, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get_content_type()
            parsed = json.loads(text) if "json" in kind and text else text.decode(errors="replace")
            return Reply(answer.status, parsed, {name.lower(): value for name, value in answer.headers.items()})
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The body of a 200."""
        return self._good(self.send("GET", path), "GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """The body of a 2xx."""
        return self._good(self.send("POST", path, body), "POST", path)

    def put(self, path: str, body: Any) -> Any:
        """The body of a 2xx."""
        return self._good(self.send("PUT", path, body), "PUT", path)

    def delete(self, path: str) -> Any:
        """The body of a 2xx."""
        return self._good(self.send("DELETE", path), "DELETE", path)

    def everything(self, name: str, filters: str = "") -> list[Any]:
        """All pages of a list, by cursor."""
        found: list[Any] = []
        cursor = ""
        while True:
            page = self.get(f"/{name}?page_size=100{filters}{cursor}")
            found += page[name]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def job(self, job_id: str, seconds: float = 60.0) -> Any:
        """The job once it has ended."""

        def ended() -> Any:
            job = self.get(f"/jobs/{job_id}")["job"]
            assert job["status"] not in ("pending", "running"), job
            return job

        return poll_until(ended, seconds)

    @staticmethod
    def _good(reply: Reply, method: str, path: str) -> Any:
        if not reply.ok:
            raise AssertionError(f"{method} {path} was answered {reply.status}: {reply.body}")
        return reply.body


class LiveServer:
    """A control plane over one data directory on one port, through all its lives."""

    def __init__(self, data_dir: Path, port: int, **environment: str) -> None:
        self.data_dir, self.port = data_dir, port
        self.url = f"http://127.0.0.1:{port}"
        self.api = Api(port)
        self.log_file = data_dir.with_name(data_dir.name + ".log")
        self.lives = 0
        self._environment = {"LOG_LEVEL": "info", "ENVIRONMENT": "test", **UNLIMITED, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Start a life, and do not wait for it."""
        assert self._process is None, "the server runs already"
        self.lives += 1
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "serve", "--data-dir", str(self.data_dir), "--port", str(self.port)],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir.parent,
            )

    def start(self) -> "LiveServer":
        """Start a life and wait until it can be used."""
        self.spawn()
        self.until_ready()
        return self

    def until_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait for /readyz; the log is in the failure if the process ends instead."""
        poll_until(self.is_ready, seconds)

    def is_ready(self) -> bool:
        """Whether it answers that it is ready; fails at once if it has ended."""
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            raise RuntimeError(f"The server ended with {code}:\n{self.tail()}")
        try:
            return Api(self.port, timeout=2.0).send("GET", "//readyz").status == 200
        except NOBODY:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None

    def ended(self) -> int | None:
        """The exit code, if it ended by itself since it was started; it can be started again then."""
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            self._process = None
        return code

    def kill(self) -> None:
        """kill -9, as the power of a process fails."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        assert process is not None, "the server does not run"
        process.send_signal(how)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(
                f"The server did not end within {STOP_SECONDS} s of {how.name}:\n{self.tail()}"
            ) from None

    def cleanup(self) -> None:
        """End the server and every droplet of its data directory, however the test went."""
        if self._process is not None:
            with contextlib.suppress(AssertionError):
                self.terminate()
        local.stop_all(self.data_dir, grace_seconds=0.5)

    def lines(self) -> list[dict[str, Any]]:
        """The log lines of all lives, as far as they are JSON."""
        found = []
        for line in self.log_file.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                parsed = json.loads(line)
                if isinstance(parsed, dict):
                    found.append(parsed)
        return found

    def tail(self, count: int = 30) -> str:
        """The end of the log, for a failure."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])


@contextlib.contextmanager
def live_server(data_dir: Path, port: int = 0, **environment: str) -> Iterator[LiveServer]:
    """A server that has been started, and leaves nothing behind."""
    server = LiveServer(data_dir, port or free_port(), **environment)
    try:
        yield server.start()
    finally:
        server.cleanup()


def free_port() -> int:
    """A TCP port that neither outgoing connections nor droplets are given, so that a restart finds it free."""
    start = 12_000 + (os.getpid() * 37 + time.monotonic_ns()) % 3000
    for port in range(start, start + 5000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
