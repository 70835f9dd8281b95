"""Tell what a browser was made to send from what a person meant: cookies, origins, CSRF, and this machine itself."""

import functools
import ipaddress
import re
from typing import Any

from clustergenie.auth.credentials import csrf_token, same
from clustergenie.platform.errors import Forbidden

COOKIE = "clustergenie_session"
_COOKIE = COOKIE.encode()
SAFE = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::[0-9]{1,5})?")
_PASSED_ON = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
_WANTED = frozenset(
    (b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site", b"x-csrf-token", b"user-agent", *_PASSED_ON)
)

Headers = dict[bytes, bytes]


class ForeignOrigin(Forbidden):
    """This request was made by a page of another site."""


class CsrfTokenMissing(Forbidden):
    """The request does not carry the session's CSRF token."""


def headers_of(scope: Any) -> Headers:
    """The headers that decide about who is asking."""
    picked = [header for header in scope["headers"] if header[0] in _WANTED]
    found = dict(picked)
    if len(found) != len(picked) and sum(name == b"authorization" for name, _ in picked) > 1:
        found[b"authorization"] = b""  # which of them a proxy has looked at, nobody knows
    return found


def session_cookie(headers: Headers) -> str | None:
    """What the session's cookie holds."""
    jar = headers.get(b"cookie")
    if jar is None or _COOKIE not in jar:
        return None
    for part in jar.split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name == _COOKIE:
            return value.decode("latin-1")
    return None


def set_cookie(value: str, *, path: str, secure: bool, seconds: int) -> str:
    """The `Set-Cookie` header that gives a browser its session; 0 seconds take it away."""
    parts = [f"{COOKIE}={value}", f"Path={path or '/'}", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def is_secure(scope: Any, headers: Headers) -> bool:
    """Whether the browser speaks HTTPS, to us or to a proxy before us: its own page's origin tells."""
    return scope.get("scheme") == "https" or headers.get(b"origin", b"").startswith(b"https://")


def same_origin(headers: Headers) -> bool:
    """Whether the request is not one that a page of another origin made a browser send.

    Browsers say it in Sec-Fetch-Site where the connection can be trusted, and in Origin; other clients say neither.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host", b"")


def refuse_foreign(headers: Headers) -> None:
    """Raises ForeignOrigin for what another site's page made a browser send."""
    if not same_origin(headers):
        raise ForeignOrigin("A page of another site made this request; open the console itself and do it there.")


def check_csrf(headers: Headers, session: str) -> None:
    """Raises ForeignOrigin or CsrfTokenMissing where a cookie came along, but not what only our own page knows."""
    refuse_foreign(headers)
    if not same(headers.get(b"x-csrf-token", b"").decode("latin-1"), csrf_token(session)):
        raise CsrfTokenMissing("Send the csrf_token of GET /api/v1/auth/me as X-CSRF-Token, or use an API key instead.")


@functools.lru_cache(maxsize=1024)  # asked several times of every request, and the peers are few
@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def peer(scope: Any) -> str:
    """The address the request came from; empty for a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def from_this_machine(scope: Any, headers: Headers) -> bool:
    """Whether somebody on this machine asks, by its own name, neither for somebody else nor through a foreign page.

    The Host header stops a page whose name was made to lead here (DNS rebinding); a proxy's headers mean that the
    one who really asks may be anywhere.
    """
    if not is_loopback(peer(scope)) or any(name in headers for name in _PASSED_ON):
        return False
    host = _HOST.fullmatch(headers.get(b"host", b"").decode("latin-1"))
    return host is not None and is_loopback(host[1].strip("[]")) and same_origin(headers)
