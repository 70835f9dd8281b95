"""A small real control plane for agents to talk to: it keeps the wire's promises, or breaks them as told."""

import json
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = int | bytes | str | tuple[int, dict[str, str]] | dict[str, Any] | Callable[[], "Answer"]
"""A status, a raw reply, "drop" (act, then close without a reply), (status, headers), or the JSON of a 200."""


class Calls(list[dict[str, Any]]):
    """What arrived on a path, in order; each with its `bearer`."""

    def bearers(self) -> list[str | None]:
        return [call["bearer"] for call in self]


class ControlPlane:
    """Listens on 127.0.0.1. Use as a context manager; `script` says how to misbehave next."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.calls: dict[str, Calls] = defaultdict(Calls)
        self.scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self.tokens: dict[str, str | None] = {"cgt-secret": None}
        self.credentials: set[str] = set()
        self.heartbeat_seconds = 0.1
        self.directive = "run"
        self.rotate: str | None = None
        self._issued = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"plane": self}))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "ControlPlane":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def enrolments(self) -> Calls:
        return self.calls["/api/v1/agent/enroll"]

    @property
    def heartbeats(self) -> Calls:
        return self.calls["/api/v1/agent/heartbeat"]

    def script(self, what: str, *answers: Answer) -> None:
        """How to answer the next calls of "enroll" or "heartbeat"; after that, properly again."""
        self.scripts[f"/api/v1/agent/{what}"].extend(answers)

    def answer(self, path: str, call: dict[str, Any]) -> Answer:
        """What the contract says, unless a script says otherwise. "drop" still acts."""
        self.calls[path].append(call)
        scripted = self.scripts[path].popleft() if self.scripts[path] else None
        if scripted is not None and scripted != "drop":
            return scripted() if callable(scripted) else scripted
        proper = self._enrol(call) if path.endswith("/enroll") else self._beat(call)
        return proper if scripted is None else "drop"

    def _enrol(self, call: dict[str, Any]) -> Answer:
        if call["token"] not in self.tokens:
            return 401
        if self.tokens[call["token"]] not in (None, call["nonce"]):
            return 409
        self.tokens[call["token"]] = call["nonce"]
        return {
            "credential": self.issue(),
            "expires_at": "2099-01-01T00:00:00Z",
            "heartbeat_seconds": self.heartbeat_seconds,
        }

    def _beat(self, call: dict[str, Any]) -> Answer:
        if call["bearer"] not in self.credentials:
            return 401
        rotated, self.rotate = self.rotate, None
        if rotated:
            self.credentials.add(rotated)
        return {
            "heartbeat_seconds": self.heartbeat_seconds,
            "credential": rotated,
            "directive": self.directive,
            "workloads": [],
        }

    def issue(self) -> str:
        """A fresh credential that will be accepted."""
        self._issued += 1
        credential = f"credential-{self._issued}"
        self.credentials.add(credential)
        return credential


class _Handler(BaseHTTPRequestHandler):
    plane: ControlPlane
    wbufsize = -1
    timeout = 10

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        call = json.loads(self.rfile.read(length))
        authorization = self.headers["Authorization"]
        call["bearer"] = authorization.removeprefix("Bearer ") if authorization else None
        self._reply(self.plane.answer(self.path, call))

    def _reply(self, answer: Answer) -> None:
        self.close_connection = True
        if answer == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(answer, bytes):
            with suppress(OSError):  # the agent may have had enough
                self.wfile.write(answer)
        elif isinstance(answer, dict):
            self._send(200, {}, json.dumps(answer).encode())
        else:
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            assert isinstance(status, int)
            self._send(status, headers, b"{}")

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""
