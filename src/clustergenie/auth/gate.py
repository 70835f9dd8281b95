"""Stand before every route: find out who asks, and let nobody further than they may go."""

from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection

from clustergenie.auth import browser
from clustergenie.auth.credentials import IN_AN_ADDRESS, is_session, read_key
from clustergenie.auth.keyring import KeyRecord, Keyring, SessionRecord
from clustergenie.auth.principal import ANONYMOUS, LOOPBACK, Actor, Principal, acting, enter
from clustergenie.auth.scope import lacking
from clustergenie.events import Audience
from clustergenie.platform import telemetry
from clustergenie.platform.errors import Malformed, Unauthenticated
from clustergenie.platform.http import AGENT, ALLOW, ANYONE, SCOPED

_FOUND: Final = "clustergenie_auth"


class KeyInAddress(Malformed):
    """A credential must not be part of an address."""


class NotLoggedIn(Unauthenticated):
    """This needs a login or an API key."""


class Found(msgspec.Struct, frozen=True):
    """Who asks, and what they showed for it."""

    principal: Principal
    key: KeyRecord | None = None
    session: SessionRecord | None = None
    cookie: str | None = None
    refused: str = ""
    """Why what they showed was not enough; empty where they showed nothing."""


_NOBODY: Final = Found(ANONYMOUS)
_LOCAL: Final = Found(LOOPBACK)


class Gate:
    """`guard` goes first into the application's guards.

    `trusting` says whether somebody on this machine is let in as its admin while there is no key; `open` says that
    keys make no difference to that.
    """

    def __init__(self, keyring: Keyring, *, trusting: bool, open: bool = False) -> None:
        self.keyring, self.trusting, self._open = keyring, trusting, open

    async def guard(self, connection: ASGIConnection[Any, Any, Any, Any], handler: Any) -> None:
        """Say who acts from here on. Raises NotLoggedIn, NotAllowed, KeyInAddress and what browsers are refused for."""
        scope: Any = connection.scope
        headers = browser.headers_of(scope)
        if scope["query_string"]:
            _refuse_secrets(scope["query_string"])
        allow = handler.opt.get(ALLOW)
        if allow == AGENT:  # the route checks the agent's own credential; what follows is the control plane's doing
            return
        found = await self.identify(scope, headers)
        scope["state"][_FOUND] = found
        names = telemetry.context()
        principal = found.principal
        enter(
            Actor(
                principal,
                browser.peer(scope),
                names.get("request_id", ""),
                names.get("trace_id", ""),
                allow if allow in ("viewer", "operator", "admin") else "viewer",
            )
        )
        if scope["method"] not in browser.SAFE:
            _check_browser(found, allow, headers)
        if allow != ANYONE:
            self._admit(found, allow, handler.opt.get(SCOPED, False), scope)

    def _admit(self, found: Found, allow: str | None, scoped: bool, scope: Any) -> None:
        if allow is None:
            if scope["method"] == "OPTIONS":  # answered by the framework: the methods of the path, nothing else
                return
            raise NotLoggedIn
        principal = found.principal
        if principal is ANONYMOUS:
            raise NotLoggedIn(
                found.refused or "Log in on the console, or send an API key as `Authorization: Bearer cg_…`."
            )
        if not (principal.may_somewhere(allow) if scoped else principal.may(allow)):
            raise lacking(principal, allow)
        cluster_id = scope.get("path_params", {}).get("cluster_id")
        if isinstance(cluster_id, str) and principal.may("viewer", cluster_id) and not principal.may(allow, cluster_id):
            raise lacking(principal, allow, cluster_id)

    async def identify(self, scope: Any, headers: browser.Headers) -> Found:
        """Who asks; nobody, with a reason, for a credential that is not in force."""
        shown = headers.get(b"authorization")
        if shown is not None:
            return await self._by_key(shown.decode("latin-1"))
        cookie = browser.session_cookie(headers)
        if cookie is not None and is_session(cookie):
            session = await self.keyring.session(cookie)
            if session is not None:
                return Found(session.principal, session.key, session, cookie)
        if self.trusts_this_machine() and browser.from_this_machine(scope, headers):
            return _LOCAL
        return _NOBODY if cookie is None else Found(ANONYMOUS, refused="The session has ended; log in again.")

    def trusts_this_machine(self) -> bool:
        """Whether somebody on this machine needs no credential at present."""
        return self.trusting and (self._open or not self.keyring.any_key)

    async def audience(self, request: Request[Any, Any, Any]) -> Audience:
        """Litestar dependency `audience`: for whom the events of a request are."""
        return Listener(self, found_of(request))

    async def _by_key(self, shown: str) -> Found:
        scheme, _, text = shown.partition(" ")
        parts = read_key(text.strip()) if scheme.lower() == "bearer" else None
        if parts is None:
            return Found(ANONYMOUS, refused="What was sent as Authorization is not an API key: `Bearer cg_…_…`.")
        record = await self.keyring.key(parts)
        if record is None:
            return Found(ANONYMOUS, refused="The API key is not known here, has expired or was revoked.")
        return Found(record.principal, record)


class Listener(Audience):
    """One who follows events: those of their clusters, for as long as what they came in with is in force."""

    def __init__(self, gate: Gate, found: Found) -> None:
        self._gate, self._found = gate, found
        self.clusters = found.principal.clusters()

    def stays(self) -> bool:
        """Whether they may go on listening."""
        if self._found.principal is LOOPBACK:
            return self._gate.trusts_this_machine()
        return self._gate.keyring.stands(self._found.key, self._found.session)


def found_of(request: Request[Any, Any, Any]) -> Found:
    """What the gate found out about a request."""
    found: Found = request.scope["state"].get(_FOUND, _NOBODY)
    return found


async def principal_dependency() -> Principal:
    """Litestar dependency `principal`."""
    actor = acting()
    return ANONYMOUS if actor is None else actor.principal


def _check_browser(found: Found, allow: str | None, headers: browser.Headers) -> None:
    if allow == ANYONE:
        if b"authorization" not in headers:
            browser.refuse_foreign(headers)  # to be logged in as somebody else, or out, is an attack as well
    elif found.cookie is not None:
        browser.check_csrf(headers, found.cookie)


def _refuse_secrets(query: bytes) -> None:
    if IN_AN_ADDRESS.search(unquote_plus(query.decode("latin-1"))):
        raise KeyInAddress(
            "There is a credential in the address, where logs keep it: send it as `Authorization: Bearer …`, "
            "and replace this one (POST /api/v1/auth/keys/{id}/rotate)."
        )
