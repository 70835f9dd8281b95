"""Listen to what happens: Server-Sent Events with resume (WHATWG HTML §9.2)."""

import http.client
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from clustergenie.client.errors import NotAnApi, Unreachable, error_for
from clustergenie.client.transport import Query, Transport, backoff

RESYNC = "resync"  # the server cannot replay what we missed: read the rows again


@dataclass(frozen=True, slots=True)
class Message:
    """One event from the stream; `data` is its JSON. A `resync` says that some were missed for good."""

    type: str
    id: str | None
    data: Any


def parse(lines: Iterable[bytes]) -> Iterator[Message]:
    """Turn the lines of an event stream into messages; comments (`: ping`) are dropped.

    A block with an id and no data is no event, yet it moves the place to resume from: its type is empty.
    """
    kind, ident, data, fresh = "message", None, list[str](), False
    for raw in lines:
        line = raw.decode(errors="replace").rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Message(kind, ident, _json("\n".join(data)))
            elif fresh:
                yield Message("", ident, None)
            kind, data, fresh = "message", [], False
        elif name == "event":
            kind = value
        elif name == "id":
            ident, fresh = value, True
        elif name == "data":
            data.append(value)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class Stream:
    """One open connection to the event stream; iteration ends when it is closed or silent for `idle_seconds`."""

    def __init__(self, transport: Transport, query: Query, last_event_id: str | None, idle_seconds: float) -> None:
        headers = {**transport.headers, "Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.last_event_id = last_event_id
        self._connection = transport.connect()
        socket = self._connection.sock  # a `Connection: close` answer takes it out of the connection
        try:
            self._connection.request("GET", transport.path("/events/stream", query), headers=headers)
            self._response = self._connection.getresponse()
            self._check(self._response)
        except (OSError, http.client.HTTPException) as reason:
            self.close()
            raise Unreachable(transport.server, str(reason) or type(reason).__name__, sent=False) from reason
        except BaseException:
            self.close()
            raise
        socket.settimeout(idle_seconds)

    @staticmethod
    def _check(response: http.client.HTTPResponse) -> None:
        kind = response.headers.get_content_type()
        if response.status == 200 and kind == "text/event-stream":
            return
        body: Mapping[str, Any] = {}
        if kind.endswith("json"):
            body = json.loads(response.read() or b"{}")
        if response.status >= 400:
            raise error_for(response.status, body, None)
        raise NotAnApi(f"The event stream answered {response.status} {kind}.")

    def __iter__(self) -> Iterator[Message]:
        for message in parse(self._lines()):
            self.last_event_id = message.id or self.last_event_id
            if message.type:
                yield message

    def _lines(self) -> Iterator[bytes]:
        while True:
            try:
                line = self._response.readline()
            except (OSError, ValueError, http.client.HTTPException):
                return  # silent or cut off; the caller resumes from the last id
            if not line:
                return
            yield line

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def listen(transport: Transport, query: Query, last_event_id: str | None, idle_seconds: float) -> Iterator[Message]:
    """Messages for as long as the caller wants them, across reconnects, each once, resumed by Last-Event-ID."""
    failures = 0
    while True:
        try:
            stream = Stream(transport, query, last_event_id, idle_seconds)
        except Unreachable:
            failures += 1
            if failures > transport.retries + 5:
                raise
            time.sleep(backoff(failures))
            continue
        failures = 0
        with stream:
            yield from stream
        last_event_id = stream.last_event_id
