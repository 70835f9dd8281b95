"""A small real HTTP server that answers as a test says, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    connection: object = None


@dataclass
class Sse:
    """An event stream: these blocks, then silence until `hold` is set, then the end."""

    blocks: Iterable[str]
    hold: threading.Event | None = None


HANG_UP = object()
"""An answer that is none: the connection is cut."""


@dataclass
class ToyApi:
    """Routes are (METHOD, path under /api/v1); a path that begins with `//` stands at the root."""

    routes: dict[tuple[str, str], Callable[[Asked], Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def on(self, method: str, path: str, answer: Any) -> None:
        """Answer with a body (200), with (status, body[, headers]), or with what a function of the request says."""
        full = path[1:] if path.startswith("//") else f"/api/v1{path}"
        self.routes[method, full] = answer if callable(answer) else lambda _asked: answer

    def in_turn(self, method: str, path: str, *answers: Any) -> None:
        """Answer differently each time; the last answer stays."""
        left = list(answers)
        self.on(method, path, lambda _asked: left.pop(0) if len(left) > 1 else left[0])

    def calls(self, method: str, path: str) -> list[Asked]:
        """The requests that came for a route."""
        return [one for one in self.asked if (one.method, one.path) == (method, f"/api/v1{path}")]


def problem(status: int, kind: str, detail: str, **more: Any) -> tuple[int, Any, dict[str, str]]:
    """A problem+json answer, as the server gives it."""
    body = {"type": kind, "title": kind, "status": status, "detail": detail, "request_id": "req-1", **more}
    return status, body, {"Content-Type": "application/problem+json"}


def block(ident: int, kind: str, /, **data: Any) -> str:
    """One event of a stream."""
    return f"id: {ident}\nevent: {kind}\ndata: {json.dumps({'id': ident, **data, 'type': kind})}\n\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = json.loads(raw) if raw else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, query, headers, body, self.connection)
        self.server.api.asked.append(asked)
        route = self.server.api.routes.get((self.command, parts.path))
        self._answer(route(asked) if route else problem(404, "not-found", f"There is no {parts.path}."))

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _answer(self, answer: Any) -> None:
        if answer is HANG_UP:
            self.close_connection = True
            return
        if isinstance(answer, Sse):
            self._stream(answer)
            return
        status, body, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (200, answer, {})
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, stream: Sse) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in stream.blocks:
            content = text.encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
            self.wfile.flush()
        if stream.hold:
            stream.hold.wait(10)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ToyApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""


class running:
    """A ToyApi that listens on a free port for as long as the block lasts."""

    def __enter__(self) -> ToyApi:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = ToyApi(url=f"http://127.0.0.1:{self._server.server_address[1]}")
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self._server.api

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
