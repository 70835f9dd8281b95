"""Knock at a TCP port, or ask an HTTP path, and put into words what happened."""

import asyncio
import time
from typing import NamedTuple

from clustergenie.monitoring.models import Verdict

SECONDS = 1.5
"""How long one probe may take. A healthy agent answers in milliseconds."""
LINE_LIMIT = 4096

_HUNG = "accepts connections but does not answer (stopped or hung)"
_CLOSED = "closes the connection without an answer"


class Answer(NamedTuple):
    """How a probe ended; `latency_ms` only when something answered."""

    verdict: Verdict
    detail: str
    latency_ms: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it answered as it should."""
        return self.verdict == "ok"


async def tcp(address: str, port: int, seconds: float = SECONDS) -> Answer:
    """Whether somebody accepts connections there."""
    return await _probe(address, port, None, seconds)


async def http(address: str, port: int, path: str, seconds: float = SECONDS) -> Answer:
    """Whether `GET path` is answered with 2xx or 3xx. Only the status line is read."""
    host = f"[{address}]" if ":" in address else address
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: clustergenie\r\nConnection: close\r\n\r\n"
    return await _probe(address, port, request.encode("ascii"), seconds)


async def _probe(address: str, port: int, request: bytes | None, seconds: float) -> Answer:
    began = time.perf_counter()
    connected = False
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, port, limit=LINE_LIMIT)
            connected = True
            try:
                answer = await _ask(reader, writer, request) if request else Answer("ok", "accepts connections")
            finally:
                writer.transport.abort()
    except TimeoutError:
        return Answer("hung", _HUNG) if connected else Answer("unreachable", f"is not reached within {seconds:g} s")
    except ConnectionRefusedError:
        return Answer("refused", "refuses connections")
    except OSError as error:
        if connected:
            return Answer("wrong", _CLOSED)
        return Answer("unreachable", f"cannot be reached: {error.strerror or error}")
    return answer._replace(latency_ms=round((time.perf_counter() - began) * 1000, 2))


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
    writer.write(request)
    try:
        line = await reader.readline()
    except ValueError:  # longer than LINE_LIMIT
        return Answer("wrong", "answers something that is not HTTP")
    if not line:
        return Answer("wrong", _CLOSED)
    words = line.decode("latin-1").split()
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return Answer("wrong", "answers something that is not HTTP")
    good = 200 <= int(words[1][:4]) < 400
    return Answer("ok" if good else "wrong", f"answers {' '.join(words[1:])[:80]}")
