"""Refuse requests for a host that is not us: a name that an attacker points at this machine (DNS rebinding)."""

import ipaddress
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from clustergenie.platform.http.middleware import App, Scope
from clustergenie.platform.http.problems import answer
from clustergenie.platform.telemetry import refusals

_REMEMBERED = 64


def host_of(header: str) -> str | None:
    """The host in a Host header, in lower case, without port or brackets; None when it is none (RFC 9110 §7.2)."""
    try:
        parts = urlsplit("//" + header)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    if parts.netloc != header or not parts.hostname or parts.username is not None or parts.path:
        return None
    return parts.hostname.rstrip(".")


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class KnownHosts:
    """Lets through what is asked of a loopback name, of the address it came in at, or of a name in `allowed`.

    A page of another site can only reach us under a name of its own, so its requests end here even when that name
    has come to mean our address.
    """

    def __init__(self, app: App, allowed: Iterable[str] = ()) -> None:
        self._app = app
        names = [name.lower().strip("[]") for name in allowed]
        self._names = frozenset(name for name in names if not name.startswith("*."))
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))
        self._good: set[tuple[bytes, str]] = set()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] == "http":
            found = [value for name, value in scope["headers"] if name == b"host"]
            if len(found) != 1 and not (not found and scope.get("http_version") == "1.0"):
                refusals.labels("host").inc()
                await answer(send, 400, "no-host", "The request could not be read.", "Send exactly one Host header.")
                return
            if found and not self._known(found[0], _own(scope)):
                refusals.labels("host").inc()
                await answer(
                    send, 421, "unknown-host", "This server does not answer to that name.", _sentence(found[0])
                )
                return
        await self._app(scope, receive, send)

    def _known(self, header: bytes, own: str) -> bool:
        if (header, own) in self._good:
            return True
        host = host_of(header.decode("latin-1"))
        if host is None or not self._is_ours(host, own):
            return False
        if len(self._good) < _REMEMBERED:
            self._good.add((header, own))
        return True

    def _is_ours(self, host: str, own: str) -> bool:
        return host in self._names or host == own or host.endswith(self._endings) or is_loopback_host(host)


def _own(scope: Scope) -> str:
    server = scope.get("server")
    return str(server[0]) if server else ""


def _sentence(header: bytes) -> str:
    shown = header.decode("latin-1")[:100]
    return f"The Host {shown!r} is not a name of this server; CLUSTERGENIE_ALLOWED_HOSTS lists the names it answers to."
