"""Give every request an id and a trace, count it, time it, and write its line."""

import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram

from clustergenie.platform import telemetry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._\-]{1,64}$")
_QUIET = ("/healthz", "/readyz", "/metrics")
_AGENT = "/api/v1/agent/"


class Observed:
    """Wraps the whole application, so that what no route answers is seen as well."""

    def __init__(self, app: App, *, environment: str, level: str, version: str) -> None:
        self._app = app
        self._info = level in ("debug", "info")
        self._debug = level == "debug"
        self._version = version.encode()
        self._line = {"service": telemetry.SERVICE, "environment": environment}
        self._seen: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = headers.get(b"x-request-id", b"")
        request_id = asked.decode() if _REQUEST_ID.match(asked) else secrets.token_hex(8)
        trace = telemetry.trace_of(headers.get(b"traceparent", b"").decode("latin-1"))
        token = telemetry.enter({"request_id": request_id, "trace_id": trace})
        started = time.perf_counter()
        status = 500
        ours = [
            (b"x-request-id", request_id.encode()),
            (b"x-trace-id", trace.encode()),
            (b"x-clustergenie-version", self._version),
            (b"x-content-type-options", b"nosniff"),
        ]

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - started, request_id, trace)
            telemetry.leave(token)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str, trace: str) -> None:
        # The template, never the path: a label per id would be a series per id. Nothing unknown gets a label either.
        template = scope.get("path_template") or "_unmatched"
        method = scope["method"] if template != "_unmatched" else "_"
        key = (method, template, status)
        series = self._seen.get(key)
        if series is None:
            labels = (method, template, str(status))
            series = (telemetry.http_seconds.labels(*labels), telemetry.http_requests.labels(*labels))
            self._seen[key] = series
        series[0].observe(seconds)
        series[1].inc()
        if not self._info:
            return
        path = scope["path"]
        quiet = path in _QUIET or path.startswith(_AGENT)
        if quiet and status < 400 and not self._debug:
            return
        # Not through structlog: this line is written for every request, and it is always the same shape.
        line = {
            **self._line,
            "level": "info" if status < 500 else "error",
            "timestamp": telemetry.rfc3339_now(),
            "message": "request",
            "method": scope["method"],
            "path": telemetry.redact(path),
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "request_id": request_id,
            "trace_id": trace,
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
