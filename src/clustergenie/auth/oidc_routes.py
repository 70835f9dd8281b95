"""The login with another issuer's accounts over HTTP, and its settings."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.params import QueryParameter

from clustergenie.auth import browser, sessions
from clustergenie.auth.models import shown
from clustergenie.auth.oidc import COOKIE, LOGIN_SECONDS, OidcLogin
from clustergenie.auth.oidc_models import (
    GroupShown,
    OidcFixed,
    OidcNoRole,
    OidcOff,
    OidcRefused,
    OidcShown,
    OidcSpec,
    Setup,
)
from clustergenie.auth.reception import Reception
from clustergenie.auth.refusals import Refusals
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.errors import NotAnswered, Problem
from clustergenie.platform.http.routes import ANY_QUERY
from clustergenie.platform.telemetry import log

BELOW = "api/v1/auth/oidc/"


class OidcReply(msgspec.Struct):
    """The settings, and what became of the request."""

    oidc: OidcShown | None
    message: str


@web.get("/auth/oidc/login", allow=web.ANYONE, raises=[OidcOff, NotAnswered], status_code=302, tags=["auth"])
async def begin_login(
    oidc: OidcLogin,
    reception: Reception,
    request: Request[Any, Any, Any],
    wanted: Annotated[str, QueryParameter(name="next", max_length=512, description="The page to go to.")] = "/",
) -> Response[None]:
    """Send the browser to the issuer; it comes back to /auth/oidc/callback."""
    begun = await oidc.begin(wanted, reception.address(request) + BELOW + "callback")
    cookie = _cookie(reception, request, begun.cookie, LOGIN_SECONDS)
    return Response(None, status_code=302, headers={"Location": begun.location, "Set-Cookie": cookie})


@web.get(
    "/auth/oidc/callback",
    allow=web.ANYONE,
    raises=[OidcOff, OidcRefused, OidcNoRole, NotAnswered],
    status_code=303,
    opt={ANY_QUERY: True},
    tags=["auth"],
)
async def finish_login(
    db: Database, oidc: OidcLogin, reception: Reception, refusals: Refusals, request: Request[Any, Any, Any]
) -> Response[None]:
    """Where the issuer sends the browser: on success with a session and on to the page it wanted."""
    try:
        who = await oidc.finish(_query(request), request.cookies.get(COOKIE))
    except OidcOff:
        raise
    except Problem as problem:
        await refusals.note("login.refused", problem, browser.peer(request.scope))
        if "text/html" not in request.headers.get("accept", ""):
            raise
        # A person is looking at this: the login page tells them, in words of ours.
        where = reception.home + f"login?refused={problem.type_name()}"
        return _sent(reception, request, where)
    visitor = reception.visitor(request, who.subject, who.name, None)._replace(kind="oidc", grants=who.grants)
    token = await db.write(sessions.begin, reception.keyring, visitor, reception.lasts, reception.cookie_of(request))
    log().info("logged in", subject=who.subject, address=visitor.address)
    answer = _sent(reception, request, reception.home + who.next.removeprefix("/"))
    answer.headers["Set-Cookie"] = reception.cookie(request, token)
    return answer


@web.get("/auth/oidc/logout", allow=web.ANYONE, raises=[OidcOff, NotAnswered], status_code=302, tags=["auth"])
async def leave_issuer(oidc: OidcLogin, reception: Reception, request: Request[Any, Any, Any]) -> Response[None]:
    """End the session at the issuer; the one here ends with POST /auth/logout."""
    where = await oidc.farewell(reception.address(request))
    return Response(None, status_code=302, headers={"Location": where or reception.home})


@web.get("/auth/oidc", allow=web.ADMIN, tags=["auth"])
async def show_oidc(oidc: OidcLogin, reception: Reception, request: Request[Any, Any, Any]) -> OidcReply:
    """The settings without the secret; null where there are none."""
    try:
        return OidcReply(_shown(await oidc.setup(), reception, request), "ok")
    except OidcOff:
        return OidcReply(None, "off")


@web.put("/auth/oidc", allow=web.ADMIN, raises=[OidcFixed, NotAnswered], tags=["auth"])
async def put_oidc(oidc: OidcLogin, reception: Reception, data: OidcSpec, request: Request[Any, Any, Any]) -> OidcReply:
    """Log people in at this issuer from now on; sessions that were made by the settings before end."""
    return OidcReply(_shown(await oidc.change(data), reception, request), "stored")


@web.delete("/auth/oidc", allow=web.ADMIN, raises=[OidcOff, OidcFixed], status_code=200, tags=["auth"])
async def delete_oidc(oidc: OidcLogin) -> OidcReply:
    """Log nobody in at another issuer any more; sessions that began there end."""
    await oidc.remove()
    return OidcReply(None, "removed")


def _query(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Each parameter once: one that is given twice is no answer of an issuer (RFC 6749 §3.1)."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise OidcRefused("The answer of the issuer has a parameter twice. Log in again.")
        found[name] = str(value)
    return found


def _sent(reception: Reception, request: Request[Any, Any, Any], where: str) -> Response[None]:
    answer: Response[None] = Response(None, status_code=303, headers={"Location": where})
    answer.set_cookie(COOKIE, "", max_age=0, path=reception.home + BELOW, httponly=True, samesite="lax")
    return answer


def _cookie(reception: Reception, request: Request[Any, Any, Any], value: str, seconds: int) -> str:
    secure = browser.is_secure(request.scope, browser.headers_of(request.scope))
    parts = [f"{COOKIE}={value}", f"Path={reception.home}{BELOW}", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def _shown(setup: Setup, reception: Reception, request: Request[Any, Any, Any]) -> OidcShown:
    return OidcShown(
        issuer=setup.issuer,
        client_id=setup.client_id,
        has_secret=setup.sealed is not None or setup.plain is not None,
        name=setup.name,
        scopes=list(setup.scopes),
        groups_claim=setup.groups_claim,
        groups=[GroupShown(each.group, shown(tuple(one.grant() for one in each.grants))) for each in setup.groups],
        source=setup.source,
        redirect_uri=reception.address(request) + BELOW + "callback",
        updated_at=setup.updated_at,
        updated_by=setup.updated_by,
    )


routes: list[Any] = [begin_login, finish_login, leave_issuer, show_oidc, put_oidc, delete_oidc]
