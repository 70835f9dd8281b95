"""Let pages of the named origins call the API, and nobody else's (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from collections.abc import Iterable
from typing import Any

from clustergenie.platform.http.middleware import App, Message, Scope

_ALLOWED = b"authorization, content-type, idempotency-key, last-event-id, traceparent, x-request-id"
_METHODS = b"GET, POST, PUT, DELETE"
_EXPOSED = b"ratelimit, ratelimit-policy, retry-after, x-clustergenie-version, x-request-id, x-trace-id"
_HOUR = b"3600"


class Cors:
    """Answers for `origins`; with none it does nothing, and browsers keep other sites' pages out.

    Cookies are never allowed across origins: such a page brings an API key of its own.
    """

    def __init__(self, app: App, origins: Iterable[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origin.lower().encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """ASGI."""
        origin = b""
        if self._origins and scope["type"] == "http":
            asked = dict(scope["headers"])
            origin = asked.get(b"origin", b"").lower()
        if origin not in self._origins:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            headers = [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _ALLOWED),
                (b"access-control-max-age", _HOUR),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": [*_allow(origin), *headers]})
            await send({"type": "http.response.body"})
            return

        async def allowing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_allow(origin)]
            await send(message)

        await self._app(scope, receive, allowing)


def _allow(origin: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"vary", b"Origin"),
    ]
