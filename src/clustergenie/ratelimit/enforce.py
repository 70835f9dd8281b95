"""Stand before the routes that are limited: find out who asks and about which cluster, admit or refuse, and say so."""

import functools
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from clustergenie import auth
from clustergenie.platform.errors import Problem
from clustergenie.platform.http import ProblemDocument
from clustergenie.ratelimit import headers
from clustergenie.ratelimit.limiter import Held, Limiter, Outcome
from clustergenie.ratelimit.rules import id_of

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
USER_HEADER = b"x-user-id"
_OPT = "limits"
_HELD = "clustergenie_limits"

Subject = Callable[[Request[Any, Any, Any]], str]
"""Who asks, as a name that a limit can be kept for."""


class QuotaExceeded(Problem):
    """Too many requests."""

    status = 429


class Limits(msgspec.Struct, frozen=True):
    """What limits a route: a limiter, and further ones for bodies of some `type`."""

    name: str
    by_type: dict[str, str] = {}


class _Parameters(msgspec.Struct):
    cluster_id: Any = None


class _Body(msgspec.Struct):
    """All of a body that a limit can depend on; the rest is skipped, not parsed."""

    type: Any = None
    cluster_id: Any = None
    parameters: _Parameters | None = None


_read = msgspec.json.Decoder(_Body).decode
_NOTHING = _Body()


def limited(handler: HTTPRouteHandler, name: str, by_type: Mapping[str, str] | None = None) -> HTTPRouteHandler:
    """Let the limiter `name` stand before a route, and for a body whose `type` is in `by_type` that limiter as well."""
    handler.opt[_OPT] = Limits(name, dict(by_type or {}))
    refused = ResponseSpec(
        data_container=ProblemDocument,
        description=QuotaExceeded.title(),
        media_type="application/problem+json",
        generate_examples=False,
    )
    handler.responses = {**(handler.responses or {}), QuotaExceeded.status: refused}
    return handler


def loopback_subject(request: Request[Any, Any, Any]) -> str:
    """The peer's address. A caller on this machine may name someone else in X-User-ID; from elsewhere it means nothing.

    Raises Invalid for a name that is none.
    """
    host = _peer(request)
    return (_named(request) if is_loopback(host) else None) or host


def _peer(request: Request[Any, Any, Any]) -> str:
    client = request.scope.get("client")
    return client[0] if client else "local"


def _named(request: Request[Any, Any, Any]) -> str | None:
    for name, value in request.scope["headers"]:
        if name == USER_HEADER:
            return id_of(value.decode("latin-1"), "X-User-ID")
    return None


def authenticated(request: Request[Any, Any, Any]) -> str:
    """Who has proved who they are; who could do anything anyway may name someone else in X-User-ID.

    Raises Invalid for a name that is none.
    """
    principal = auth.found_of(request).principal
    if principal.kind in ("loopback", "anonymous"):
        return loopback_subject(request) if principal.kind == "loopback" else _peer(request)
    if principal.kind == "key" and principal.may("admin"):
        return _named(request) or principal.subject
    return principal.subject


@functools.lru_cache(maxsize=1024)  # asked several times of every request, and the peers are few
def is_loopback(host: str) -> bool:
    """Whether a peer is on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "local"  # a Unix socket has no address


class Enforcement:
    """`guard` goes into the application's guards, `tell` into its before_send hooks."""

    def __init__(self, limiter: Limiter, subject: Subject = loopback_subject) -> None:
        self._limiter, self._subject = limiter, subject

    async def guard(self, connection: ASGIConnection[Any, Any, Any, Any], handler: Any) -> None:
        """Admit the request or raise QuotaExceeded; costs nothing where nothing limits."""
        limits: Limits | None = handler.opt.get(_OPT)
        if limits is None or not isinstance(connection, Request):
            return
        rules = self._limiter.rules
        active = [limit for name in (limits.name, *limits.by_type.values()) for limit in rules.limits(name)]
        if not active:
            return
        body = _NOTHING
        if limits.by_type or any(limit.rule.scope == "cluster" for limit in active):
            body = await _look_into(connection)
        further = limits.by_type.get(body.type) if isinstance(body.type, str) else None
        outcome = await self._limiter.admit(
            (limits.name, further) if further else (limits.name,),
            user=self._subject(connection) if any(limit.rule.scope == "user" for limit in active) else "",
            cluster=_cluster(connection, body),
        )
        if outcome is not None:
            connection.scope["state"][_HELD] = outcome.held
            if not outcome.allowed:
                raise refusal(outcome)

    async def tell(self, message: Any, scope: Any) -> None:
        """Put the headers on an answer, whatever it is."""
        if message["type"] == "http.response.start":
            held: tuple[Held, ...] | None = scope.get("state", {}).get(_HELD)
            if held:
                message["headers"] = [*message.get("headers", ()), *headers.fields(held)]


def refusal(outcome: Outcome) -> QuotaExceeded:
    """What is said to who was refused."""
    violated = [each for each in outcome.held if each.refused and not each.limit.rule.shadow]
    rules = [each.limit.rule for each in violated]
    words = " and ".join(
        f"{rule.name} takes {rule.refill_rate:g} a second, {rule.capacity} at once, "
        + {"global": "from all together", "user": "from one user", "cluster": "for one cluster"}[rule.scope]
        for rule in rules
    )
    wait = headers.retry_after(outcome.held)
    more: dict[str, Any] = {} if wait is None else {"retry_after": max(1, wait)}
    more["violated-policies"] = [each.limit.policy for each in violated]
    again = "" if wait is None else f" Try again in {max(1, wait)} s."
    return QuotaExceeded(f"The limit is reached: {words}.{again}", type=QUOTA_EXCEEDED, **more)


async def _look_into(request: Request[Any, Any, Any]) -> _Body:
    try:
        return _read(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING  # the handler says what is wrong with it


def _cluster(request: Request[Any, Any, Any], body: _Body) -> str | None:
    in_path = request.path_params.get("cluster_id")
    if isinstance(in_path, str):
        return id_of(in_path, "cluster_id")
    if body.parameters is not None and isinstance(body.parameters.cluster_id, str):
        return id_of(body.parameters.cluster_id, "/parameters/cluster_id")
    if isinstance(body.cluster_id, str):
        return id_of(body.cluster_id, "/cluster_id")
    return None
