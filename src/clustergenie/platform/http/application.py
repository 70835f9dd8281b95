"""Put routes together into the web application, with the checks that hold for every request."""

import functools
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from litestar import Litestar, Request, Router
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions.base_exceptions import LitestarDeprecationWarning
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ControllerRouterHandler

from clustergenie.platform.errors import invalid
from clustergenie.platform.http.docs import routes as docs_routes
from clustergenie.platform.http.paging import paging_dependency
from clustergenie.platform.http.problems import exception_handlers
from clustergenie.platform.http.routes import ALLOW, ANY_QUERY, ANYONE, NotJson

MAX_BODY = 1_000_000
"""Bytes."""
AsyncGuard = Callable[[ASGIConnection[Any, Any, Any, Any], Any], Awaitable[None]]


_SECURITY = Components(
    security_schemes={
        "key": SecurityScheme(type="http", scheme="bearer", description="An API key: `cg_…`."),
        "session": SecurityScheme(
            type="apiKey",
            name="clustergenie_session",
            security_scheme_in="cookie",
            description="A browser's session; what changes something needs X-CSRF-Token too.",
        ),
    }
)


def build(
    routes: Sequence[ControllerRouterHandler],
    *,
    version: str,
    dependencies: dict[str, Any],
    guards: Sequence[AsyncGuard] = (),
    **more: Any,
) -> Litestar:
    """The application: `dependencies` are given to handlers by name; OpenAPI 3.1 is at `/openapi.json`.

    Raises UnmarkedRoute for a route that does not say who may call it.
    """
    with warnings.catch_warnings():
        # Litestar 3 will want dependencies and bodies marked in the signature; we are bound below 3, and types say it.
        for lament in ("Inferred dependency field", "Reserved kwarg 'data' declared without a body marker"):
            warnings.filterwarnings("ignore", f"(?s).*{lament}", LitestarDeprecationWarning)
        app = _build(routes, version, dependencies, {"guards": [_in_turn(guards)] if guards else [], **more})
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if ALLOW not in handler.opt and handler.http_methods != {"OPTIONS"}:  # Litestar answers those by itself
                raise UnmarkedRoute(f"{sorted(handler.http_methods)} {route.path} does not say who may call it")
    return app


def _in_turn(guards: Sequence[AsyncGuard]) -> AsyncGuard:
    """One guard of several: for each that it knows of, Litestar copies the route's handler at every request."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: Any) -> None:
        for one in guards:
            await one(connection, handler)

    return guard


class UnmarkedRoute(Exception):
    """A route without `allow=`; it is a mistake in the code, so nothing starts."""


def _build(
    routes: Sequence[ControllerRouterHandler], version: str, dependencies: dict[str, Any], more: dict[str, Any]
) -> Litestar:
    return Litestar(
        [*routes, *docs_routes],
        dependencies={
            "paging": Provide(paging_dependency),
            **{name: _provided(value) for name, value in dependencies.items()},
        },
        exception_handlers=exception_handlers,
        before_request=_check,
        request_max_body_size=MAX_BODY,
        openapi_config=OpenAPIConfig(
            title="ClusterGenie",
            version=version,
            description="A self-hosted control plane for fleets of small machines.",
            # Litestar would show a page of its own at this path's root; docs.py serves /openapi.json instead.
            openapi_router=Router(
                "/openapi-of-litestar", route_handlers=[], opt={ALLOW: ANYONE}, include_in_schema=False
            ),
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            use_handler_docstrings=True,
            components=_SECURITY,
        ),
        # Our own logging and handlers do this; Litestar's would print stack traces of refused requests.
        logging_config=None,
        debug=False,
        **more,
    )


def _provided(value: Any) -> Provide:
    return value if isinstance(value, Provide) else Provide(_constant(value), use_cache=True)


def _constant(value: Any) -> Any:
    async def provide() -> Any:
        return value

    return provide


async def _check(request: Request[Any, Any, Any]) -> None:
    """What no handler can forget: a body is JSON, and a filter that does not exist is not silently ignored."""
    if request.method in ("POST", "PUT", "PATCH"):
        _check_body(request.scope["headers"])
    if request.scope.get("query_string"):
        known = _known(request.route_handler)
        for name in request.query_params:
            if known is not None and name not in known:
                choices = ", ".join(sorted(known)) or "none"
                raise invalid(f"?{name}", f"is not a parameter of this request; known: {choices}")


def _check_body(headers: Iterable[tuple[bytes, bytes]]) -> None:
    kind, has_body = b"", False
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name in (b"content-length", b"transfer-encoding"):
            has_body = value != b"0"
    if has_body and not kind.lower().startswith(b"application/json"):
        words = kind.decode("latin-1") or "of no named type"
        raise NotJson(f"The body is {words}; send it as Content-Type: application/json.")


@functools.cache
def _known(handler: Any) -> frozenset[str] | None:
    if not isinstance(handler, HTTPRouteHandler) or handler.opt.get(ANY_QUERY):
        return None
    names: set[str] = set()
    models = [handler.signature_model]
    models += [provider.signature_model for provider in handler.resolve_dependencies().values()]
    for model in models:
        for name, field in model._fields.items():
            kwarg = field.kwarg_definition
            if isinstance(kwarg, HeaderParameter):
                continue
            alias = kwarg.name if isinstance(kwarg, QueryParameter) else getattr(kwarg, "query", None)
            names.add(alias or name)
    return frozenset(names - {"data", "request", "paging"} - set(handler.resolve_dependencies()))
