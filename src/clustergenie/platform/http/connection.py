"""Bound what one connection may cost: the size of a request's head, and the time a client may take for anything."""

import asyncio
import contextlib
import weakref
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from clustergenie.platform import ids
from clustergenie.platform.http.problems import MEDIA_TYPE, TYPE_BASE
from clustergenie.platform.http.secured import completed
from clustergenie.platform.telemetry import log, refusals

MOST_HEAD = 32_768
"""Bytes of request line and headers."""
MOST_URL = 8_192
MOST_HEADERS = 100
MOST_DISCARDED = 16_000_000
"""Bytes of a body that is refused for its size: read to the end, so that the client sees the answer, up to here."""

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with the limits it leaves to a proxy."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.headers = []
        self._received = 0  # bytes since the last head or body was complete

    @property
    def current(self) -> RequestResponseCycle | None:
        """The newest request of this connection and its answer."""
        return self.cycle

    def data_received(self, data: bytes) -> None:
        """From the transport."""
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if len(self.headers) > MOST_HEADERS:  # also what comes after a chunked body
            self.refuse(431, "head-too-large", f"A request may have {MOST_HEADERS} headers.")
        elif self._received > (MOST_DISCARDED if self.in_body() else MOST_HEAD):
            self.refuse(431, "head-too-large", f"The request line and headers may have {MOST_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        """From the parser: the last moment before the application is called."""
        if self.transport.is_closing():
            return  # it came along with what was refused
        if len(self.url) > MOST_URL:
            self.refuse(414, "url-too-long", f"A path and its query may have {MOST_URL} bytes.")
        elif len(self.headers) > MOST_HEADERS or (self._received > MOST_HEAD and self._head() > MOST_HEAD):
            what = f"{MOST_HEADERS} headers and {MOST_HEAD} bytes"
            self.refuse(431, "head-too-large", f"The request line and headers may have {what}.")
        else:
            self._received = 0
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """From the parser."""
        if self.current is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """From the parser."""
        self._received = 0
        if self.current is not None:
            super().on_message_complete()

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def in_body(self) -> bool:
        """Whether the rest of a request's body is still to come."""
        return self.current is not None and self.current.more_body

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP."""
        self.refuse(400, "invalid-http", msg)

    def refuse(self, status: int, kind: str, detail: str) -> None:
        """Say why and hang up; without a word when the answer to a request is already on its way."""
        refusals.labels(kind).inc()
        client = self.client[0] if self.client else None
        log().warning("connection refused", status=status, type=kind, detail=detail, client=client)
        if self.transport.is_closing():
            return
        if self.current is None or self.current.response_complete:
            self.transport.write(_answer(status, kind, detail))
            self.transport.close()
        else:
            self.transport.abort()


def _answer(status: int, kind: str, detail: str) -> bytes:
    title = _REASONS[status].decode()
    document = {"type": TYPE_BASE + kind, "title": title, "status": status, "detail": detail, "errors": []}
    document |= {"request_id": ids.request_id(), "trace_id": ids.trace_id(), "error": detail}
    body = msgspec.json.encode(document)
    fields = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    head = b"".join(b"%b: %b\r\n" % field for field in completed(fields, secure=False))
    return b"HTTP/1.1 %d %b\r\nconnection: close\r\n%b\r\n%b" % (status, _REASONS[status], head, body)


class Patience:
    """Looks at every connection now and then, and ends those that keep the server waiting.

    Looking costs a request nothing, where a timer for each would. A client may take `seconds` to send a request's
    head, four times that for its body, and twice that before it takes anything of what waits for it.
    """

    def __init__(self, seconds: float) -> None:
        self._head, self._body, self._reader = seconds, seconds * 4, seconds * 2
        self._every = min(1.0, seconds / 4)
        self._seen: weakref.WeakKeyDictionary[Any, tuple[str, Any, float]] = weakref.WeakKeyDictionary()

    async def watch(self, connections: set[Any]) -> None:
        """Until cancelled; `connections` is uvicorn's own set of them."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._every)
            for connection in list(connections):
                if isinstance(connection, BoundedProtocol):
                    self._look(connection, loop.time())

    def _look(self, connection: BoundedProtocol, now: float) -> None:
        stage, limit, kind = self._stage(connection)
        if not limit:
            self._seen.pop(connection, None)
            return
        before, of, since = self._seen.get(connection, ("", None, now))
        if before != kind or of is not stage:
            self._seen[connection] = (kind, stage, now)
        elif now - since >= limit:
            self._seen.pop(connection, None)
            _end(connection, kind, limit)

    def _stage(self, connection: BoundedProtocol) -> tuple[Any, float, str]:
        """What the connection waits for its client to do, how long it may, and what it is called if it does not."""
        transport, cycle = connection.transport, connection.current
        if connection.flow.write_paused or (transport.is_closing() and transport.get_write_buffer_size()):
            return cycle, self._reader, "slow-reader"
        if cycle is not None and cycle.more_body and not cycle.response_complete:
            return cycle, self._body, "slow-body"
        if (cycle is None or cycle.response_complete) and connection.timeout_keep_alive_task is None:
            return cycle, self._head, "slow-head"
        return None, 0.0, ""


def _end(connection: BoundedProtocol, kind: str, limit: float) -> None:
    if kind == "slow-reader":
        refusals.labels(kind).inc()
        log().warning("connection refused", type=kind, detail=f"The client took nothing for {limit:g} s.")
        with contextlib.suppress(RuntimeError):  # it ended by itself meanwhile
            connection.transport.abort()
    else:
        what = "body" if kind == "slow-body" else "head"
        connection.refuse(408, kind, f"The request's {what} did not come within {limit:g} s.")
