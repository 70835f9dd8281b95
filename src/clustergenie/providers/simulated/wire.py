"""Say JSON over HTTP/1.1 on kept-alive connections: what a simulated cloud and its agents need, and no more."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

SECONDS = 15.0
LONGEST_HEAD = 65_536
IDLE = 64
"""How many connections are kept for later."""

Reply = tuple[int, Any]
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NotHttp(OSError):
    """What answered does not speak HTTP as we expect it."""


class Line:
    """The way to one server, for any number of calls at once."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        """Raises ValueError for what is no address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a server; it should look like http://127.0.0.1:9090")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname, parts.port or (443 if self._tls else 80)
        self._name, self._prefix, self._seconds = parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), seconds
        self._idle: list[Pair] = []

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """The status and the JSON of the answer. Raises OSError when there is none; the call may have had effect."""
        try:
            async with asyncio.timeout(self._seconds):
                pair = self._take() or await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls, limit=LONGEST_HEAD
                )
                try:
                    return await self._exchange(pair, self._request(method, path, body, headers or {}))
                except BaseException:
                    pair[1].transport.abort()
                    raise
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise NotHttp(f"{self._name} broke off its answer: {error}") from error

    def _take(self) -> Pair | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        return None

    def _request(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        content = b"" if body is None else msgspec.json.encode(body)
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._name}", f"Content-Length: {len(content)}"]
        lines += ["Content-Type: application/json"] if body is not None else []
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    async def _exchange(self, pair: Pair, request: bytes) -> Reply:
        reader, writer = pair
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if "content-length" not in fields and status != 204:
            raise NotHttp(f"{self._name} does not say how long its answer is")
        content = await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection", "").lower() == "close" or len(self._idle) >= IDLE:
            writer.close()
        else:
            self._idle.append(pair)
        return status, msgspec.json.decode(content) if content else None

    async def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            writer = self._idle.pop()[1]
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Lines:
    """The way to whichever of several servers answers. The last one that did is asked first."""

    def __init__(self, urls: str, *, seconds: float = SECONDS) -> None:
        """`urls` separated by commas. Raises ValueError."""
        self._lines = [Line(url.strip(), seconds=seconds) for url in urls.split(",") if url.strip()]
        self._first = 0

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """See Line.call; a server that does not answer, or says that it cannot, is passed over."""
        trouble: OSError | None = None
        reply: Reply | None = None
        for turn in range(len(self._lines)):
            place = (self._first + turn) % len(self._lines)
            try:
                reply = await self._lines[place].call(method, path, body, headers)
            except OSError as error:
                trouble = error
                continue
            if reply[0] not in (502, 503, 504):
                self._first = place
                return reply
        if reply is None:
            raise trouble or ConnectionError("there is no server to ask")
        return reply

    async def close(self) -> None:
        """Close what is kept."""
        for line in self._lines:
            await line.close()
