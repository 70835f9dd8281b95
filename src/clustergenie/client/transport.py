"""Carry one HTTP call to the server and back: kept-alive connections, time limits, retries that cannot act twice."""

import http.client
import json
import os
import random
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from clustergenie.client.errors import ClientError, NotAnApi, Unreachable, error_for

API = "/api/v1"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110 §9.2.2: repeating these changes nothing more
PASSING = frozenset({502, 503, 504})
LONGEST_RETRY_AFTER = 30.0

Query = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises NotAnApi when it is something else (a proxy's page, another server)."""
        if not self.body:
            return {}
        try:
            return json.loads(self.body)
        except ValueError as broken:
            kind = self.headers.get("content-type", "no content type")
            raise NotAnApi(f"The answer is {kind}, not JSON: is this really a ClusterGenie server?") from broken


def encode_query(query: Query | None) -> str:
    """`?a=1&b=2` without the parameters that are None; lists repeat their name."""
    given = ((name, value) for name, value in (query or {}).items() if value is not None)
    pairs = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given}
    return "?" + urlencode(pairs, doseq=True) if pairs else ""


def backoff(attempt: int, retry_after: float | None = None) -> float:
    """Seconds before the next try: the server's wish if it has one, else doubling with full jitter."""
    if retry_after is not None:
        return min(retry_after, LONGEST_RETRY_AFTER) + random.uniform(0.0, 0.1)
    return random.uniform(0.5, 1.0) * min(0.1 * float(1 << attempt), 5.0)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None


class Transport:
    """A small pool of connections to one server; safe to share between threads."""

    def __init__(self, server: str, *, token: str | None, timeout: float, retries: int, user_agent: str) -> None:
        parts = urlsplit(server if "://" in server else f"http://{server}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(f"{server!r} is not the address of a server; it should look like http://127.0.0.1:8080.")
        try:
            self._port = parts.port
        except ValueError as bad:
            raise ClientError(f"{server!r} does not have a usable port: {bad}.") from bad
        self._host, self._secure = parts.hostname, parts.scheme == "https"
        self.base_path = parts.path.rstrip("/").removesuffix(API)
        self.server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self.base_path}"
        self.timeout, self.retries = timeout, retries
        self.headers = {"Accept": "application/json", "User-Agent": user_agent}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self._idle: list[http.client.HTTPConnection] = []

    def path(self, path: str, query: Query | None = None, *, root: bool = False) -> str:
        """The request target of an API path; `root` paths stand beside the API, under the same base."""
        return self.base_path + ("" if root else API) + quote(path, safe="/%:?&=+,;@~-._") + encode_query(query)

    def connect(self, timeout: float | None = None) -> http.client.HTTPConnection:
        """A new open connection; raises Unreachable."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=timeout or self.timeout)
        try:
            connection.connect()
        except OSError as reason:
            raise Unreachable(self.server, _words(reason), sent=False) from reason
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        root: bool = False,
    ) -> Reply:
        """Send, retry what may be retried, and raise the ApiError that a 4xx or 5xx stands for."""
        sent = {**self.headers, **(headers or {})}
        payload = None
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        repeatable = method in SAFE or "Idempotency-Key" in sent
        target = self.path(path, query, root=root)
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                reply = self._once(method, target, payload, sent)
            except Unreachable as lost:
                if last or not (repeatable or not lost.sent):
                    raise
                time.sleep(backoff(attempt))
                continue
            if reply.status < 400:
                return _direct(reply, self.server)
            wait = _retry_after(reply.headers)
            again = reply.status == 429 or (reply.status in PASSING and repeatable)  # a 429 was never acted on
            if last or not again or (wait or 0) > LONGEST_RETRY_AFTER:
                raise error_for(reply.status, _problem(reply), wait)
            time.sleep(backoff(attempt, wait))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str]) -> Reply:
        connection = self._borrow()
        try:
            connection.request(method, target, payload, dict(headers))
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as reason:
            connection.close()
            raise Unreachable(self.server, _words(reason), sent=True) from reason
        except BaseException:
            connection.close()  # Ctrl-C half-way: the next answer on this connection would be the wrong one
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, data)

    def _borrow(self) -> http.client.HTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()  # readable while idle means the server hung up
        return self.connect()


def _direct(reply: Reply, server: str) -> Reply:
    """The reply, unless it sends us elsewhere: a POST must not be turned into a GET behind the caller's back."""
    if reply.status >= 300 and "location" in reply.headers:
        raise NotAnApi(f"{server} redirects to {reply.headers['location']}; use that address.")
    return reply


def _problem(reply: Reply) -> dict[str, Any]:
    try:
        problem = json.loads(reply.body)
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return problem
    if "html" in reply.headers.get("content-type", ""):
        said = "with a web page, so a proxy or another server may be in between."
    else:
        said = "and said: " + (" ".join(reply.body[:200].decode(errors="replace").split()) or "nothing")
    return {"title": f"HTTP {reply.status}", "detail": f"The server answered {reply.status} {said}"}


def _words(reason: BaseException) -> str:
    if isinstance(reason, TimeoutError):
        return "timed out"
    if isinstance(reason, OSError) and reason.errno and reason.strerror:
        return os.strerror(reason.errno).lower() if reason.errno > 0 else reason.strerror.lower()
    return str(reason) or type(reason).__name__
