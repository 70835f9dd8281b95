"""Show the API to a person: `/docs`, drawn from `/openapi.json` by files of our own, so it works offline."""

import functools
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.params import FromPath

from clustergenie.platform.errors import NotFound
from clustergenie.platform.http.routes import ANYONE, get

_PAGE = Path(__file__).parent / "page"
_TYPES = {"docs.js": "text/javascript", "docs.css": "text/css"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'"
)


@get("/docs", allow=ANYONE, media_type="text/html", include_in_schema=False)
async def show_docs() -> Response[bytes]:
    """The page."""
    return _file("docs.html", "text/html")


@get("/docs/{name:str}", allow=ANYONE, include_in_schema=False)
async def show_docs_file(name: FromPath[str]) -> Response[bytes]:
    """Its script and style."""
    if name not in _TYPES:
        raise NotFound(f"The docs have no file {name!r}.")
    return _file(name, _TYPES[name])


@get("/openapi.json", allow=ANYONE, media_type="application/json", include_in_schema=False)
async def show_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The API in OpenAPI 3.1."""
    return Response(_document(request.app), media_type="application/json", headers={"Cache-Control": "no-cache"})


@functools.lru_cache(maxsize=1)
def _document(app: Litestar) -> bytes:
    return msgspec.json.encode(app.openapi_schema.to_schema(), enc_hook=str)


@functools.cache
def _content(name: str) -> bytes:
    return (_PAGE / name).read_bytes()


def _file(name: str, media_type: str) -> Response[bytes]:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
    return Response(_content(name), media_type=media_type, headers=headers)


routes = [show_docs, show_docs_file, show_openapi]
