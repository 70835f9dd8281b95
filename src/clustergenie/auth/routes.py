"""Log in, log out, set up, and tell who one is."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from msgspec import Meta

from clustergenie.auth import browser, credentials, sessions, setup
from clustergenie.auth.audit_routes import routes as audit_routes
from clustergenie.auth.gate import NotLoggedIn, found_of
from clustergenie.auth.key_routes import routes as key_routes
from clustergenie.auth.models import Key, LoginRefused, Me, Name, Secret, SetupRefused, TooManyKeys, Who
from clustergenie.auth.oidc_routes import routes as oidc_routes
from clustergenie.auth.principal import SETTING_UP, Role, acting, acting_as
from clustergenie.auth.reception import Reception
from clustergenie.auth.refusals import Refusals
from clustergenie.auth.session_routes import routes as session_routes
from clustergenie.platform import http as web
from clustergenie.platform import telemetry
from clustergenie.platform.db import Database

NOT_KEPT = {"Cache-Control": "no-store"}


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """An API key, to be traded for a browser's session."""

    key: Secret


class Setup(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a setup link, and what the first key is to be called."""

    token: Secret
    name: Name = "admin"


class SetUp(msgspec.Struct):
    """The first key; its secret is shown this once."""

    key: Key
    secret: Annotated[str, Meta(description="`cg_…`: send it as `Authorization: Bearer …`.")]
    message: str


class RoleShown(msgspec.Struct):
    """A role, and what it lets one do."""

    role: Role
    summary: str
    may: list[str]


class RoleList(msgspec.Struct):
    """The roles, from the least to the most."""

    roles: list[RoleShown]


ROLES = [
    RoleShown(
        "viewer",
        "Looks, and changes nothing.",
        [
            "see clusters, droplets, jobs, schedules, events, measurements, health and diagnoses of its clusters",
            "on all clusters: see providers, orphans, limits, the worker pool, the bus and the metrics as well",
        ],
    ),
    RoleShown(
        "operator",
        "Runs the fleet.",
        [
            "create, change, scale, diagnose and delete what is in its clusters, and schedule jobs for them",
            "on all clusters: create clusters, keep droplets that are in none, settle orphans, replay dead letters",
        ],
    ),
    RoleShown(
        "admin",
        "Decides who may do what.",
        ["on all clusters: manage API keys, sessions and logins, change limits, read the audit trail"],
    ),
]


@web.get("/auth/me", allow=web.ANYONE, raises=[NotLoggedIn], tags=["auth"])
async def show_me(reception: Reception, request: Request[Any, Any, Any]) -> Response[Me]:
    """Who asks, and what a page needs to let them in; a bad API key is refused, a session that has ended is nobody."""
    found = found_of(request)
    if found.refused and "authorization" in request.headers:
        raise NotLoggedIn(found.refused)
    ends_at = found.session.ends_at() if found.session else found.key.expires_at if found.key else None
    return Response(
        Me(
            principal=None if found.principal.kind == "anonymous" else Who.of(found.principal),
            expires_at=ends_at,
            csrf_token=credentials.csrf_token(found.cookie) if found.cookie else None,
            setup_needed=not reception.keyring.any_key,
            oidc=reception.oidc(),
            loopback=found.principal.kind == "loopback",
        ),
        headers=NOT_KEPT,
    )


@web.post("/auth/login", allow=web.ANYONE, raises=[LoginRefused], status_code=200, tags=["auth"])
async def log_in(
    db: Database, reception: Reception, refusals: Refusals, data: Login, request: Request[Any, Any, Any]
) -> Response[Me]:
    """Trade an API key for a session in a cookie, so that the key itself need not stay in the browser."""
    text = credentials.read_key(data.key.strip())
    record = await reception.keyring.key(text) if text is not None else None
    if record is None:
        refused = LoginRefused("This is not an API key that is in force here; keys look like cg_…_….")
        await refusals.note("login.refused", refused, browser.peer(request.scope))
        raise refused
    visitor = reception.visitor(request, record.principal.subject, record.principal.name, record.id)
    token = await db.write(sessions.begin, reception.keyring, visitor, reception.lasts, reception.cookie_of(request))
    telemetry.log().info("logged in", subject=record.principal.subject, address=visitor.address)
    session = await reception.keyring.session(token)
    me = Me(
        principal=Who.of(session.principal if session else record.principal),
        expires_at=session.ends_at() if session else None,
        csrf_token=credentials.csrf_token(token),
        setup_needed=False,
        oidc=reception.oidc(),
        loopback=False,
    )
    return Response(me, headers={**NOT_KEPT, "Set-Cookie": reception.cookie(request, token)})


@web.post("/auth/logout", allow=web.ANYONE, status_code=200, tags=["auth"])
async def log_out(db: Database, reception: Reception, request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    """End the session of the cookie; without one there is nothing to end."""
    cookie = found_of(request).cookie
    if cookie is not None:
        await db.write(sessions.end, reception.keyring, cookie)
    return Response({"message": "logged out"}, headers={**NOT_KEPT, "Set-Cookie": reception.cookie(request, None)})


@web.post("/auth/setup", allow=web.ANYONE, raises=[SetupRefused, TooManyKeys], tags=["auth"])
async def set_up(db: Database, reception: Reception, data: Setup, request: Request[Any, Any, Any]) -> Response[SetUp]:
    """Trade the token of a setup link for an admin's key and a session; it works once."""
    visitor = reception.visitor(request, "", data.name, None)
    actor = acting()
    with acting_as(actor and msgspec.structs.replace(actor, principal=SETTING_UP)):
        key, secret, token = await db.write(
            setup.redeem,
            reception.keyring,
            data.token,
            data.name,
            visitor,
            reception.lasts,
            reception.cookie_of(request),
        )
    telemetry.log().info("set up", key_id=key.id, address=visitor.address)
    headers = {**NOT_KEPT, "Set-Cookie": reception.cookie(request, token)}
    return Response(SetUp(key, secret, "created"), status_code=201, headers=headers)


@web.get("/auth/roles", allow=web.VIEWER, scoped=True, tags=["auth"])
async def list_roles() -> RoleList:
    """What each role may do."""
    return RoleList(ROLES)


routes = [show_me, log_in, log_out, set_up, list_roles, *key_routes, *session_routes, *audit_routes, *oidc_routes]
