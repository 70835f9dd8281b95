"""Speak just enough HTTP/1.1 to send many small requests from one process: one connection, one request at a time."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to, and the header lines that every request carries."""

    host: str
    port: int
    secure: bool
    base_path: str
    headers: str

    @classmethod
    def of(cls, server: str, token: str | None, trace_id: str) -> "Target":
        """The target behind a server's address; every request belongs to one trace."""
        parts = urlsplit(server)
        secure = parts.scheme == "https"
        lines = [f"Host: {parts.netloc}", "Content-Type: application/json", "Accept: application/json"]
        lines.append(f"traceparent: 00-{trace_id}-{trace_id[:16]}-01")
        if token:
            lines.append(f"Authorization: Bearer {token}")
        port = parts.port or (443 if secure else 80)
        return cls(parts.hostname or "127.0.0.1", port, secure, f"{parts.path.rstrip('/')}/api/v1", "\r\n".join(lines))


class Wire:
    """One kept-alive connection; it connects when it has to."""

    def __init__(self, target: Target, timeout: float) -> None:
        self._target, self._timeout = target, timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: object) -> int:
        """Send one POST and return the status; raises OSError or TimeoutError when no answer came."""
        payload = json.dumps(body).encode()
        head = f"POST {self._target.base_path}{path} HTTP/1.1\r\n{self._target.headers}\r\n"
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await self._open()
                writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
                return await self._answer(reader)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as lost:
            self.close()
            raise OSError(str(lost) or type(lost).__name__) from lost

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            context = ssl.create_default_context() if self._target.secure else None
            self._streams = await asyncio.open_connection(self._target.host, self._target.port, ssl=context)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                await reader.readexactly(size + 2)
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(first.split()[1])

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
