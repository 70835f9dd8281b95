"""Give every request an id and a trace, count it, time it, and write its line."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import Counter, Histogram

from clustergenie.platform import ids, telemetry
from clustergenie.platform.http.secured import completed

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_QUIET = ("/healthz", "/readyz", "/metrics")
_AGENT = "/api/v1/agent/"


class Observed:
    """Wraps the whole application, so that what no route answers is seen as well."""

    def __init__(self, app: App, *, version: str) -> None:
        self._app = app
        self._version = version.encode()
        self._seen: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # as GET (RFC 9110); the server leaves the body out, going by its own scope
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        asked = headers.get(b"x-request-id", b"")
        request_id = asked.decode() if _REQUEST_ID.fullmatch(asked) else ids.request_id()
        trace = telemetry.trace_of(headers.get(b"traceparent", b"").decode("latin-1"))
        token = telemetry.enter({"request_id": request_id, "trace_id": trace})
        started = time.perf_counter()
        status = 500
        ours = [
            (b"x-request-id", request_id.encode()),
            (b"x-trace-id", trace.encode()),
            (b"x-clustergenie-version", self._version),
        ]
        secure = scope.get("scheme") == "https"

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*ours, *completed(message["headers"], secure=secure)]
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - started)
            telemetry.leave(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
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
        path = scope["path"]
        quiet = status < 400 and (path in _QUIET or path.startswith(_AGENT))
        level = "error" if status >= 500 else "debug" if quiet else "info"
        telemetry.plain(
            level,
            "request",
            method=scope["method"],
            path=path if status < 400 else telemetry.redact(path),
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )
