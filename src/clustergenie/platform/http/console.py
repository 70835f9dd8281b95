"""Serve the console: hashed files for ever, the page itself fresh, with a nonce, its base and a strict policy."""

import hashlib
import html
import mimetypes
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import litestar
from litestar import Request, Response
from litestar.params import FromPath

from clustergenie.platform.http.problems import render
from clustergenie.platform.http.routes import ALLOW, ANY_QUERY, ANYONE, get

NONCE = b"__CSP_NONCE__"
BASE = b'<base href="/" />'
_TWINS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_FOREVER = "public, max-age=31536000, immutable"
_MISSING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>ClusterGenie</title>
<h1>The console is not part of this installation</h1>
<p>The API is: see <a href="docs">the API's documentation</a>. A wheel has the console in it; in a source checkout,
<code>./start.sh</code> builds it.</p>"""


def policy(nonce: str, grafana_url: str = "") -> str:
    """The Content-Security-Policy of a page with that nonce, which may show panels of that Grafana in frames."""
    grafana = urlsplit(grafana_url)
    frames = f"{grafana.scheme}://{grafana.netloc}" if grafana_url else "'none'"
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; "
        f"form-action 'self'; frame-src {frames}"
    )


class Console:
    """The built console in `folder`, reached under `base_path` (no slash at its end; empty for the root).

    `grafana_url` is where browsers find Grafana; the page learns it from its head.
    """

    def __init__(self, folder: Path, base_path: str = "", grafana_url: str = "") -> None:
        self._folder = folder.resolve()
        self._grafana_url = grafana_url
        grafana = f'<meta name="grafana" content="{html.escape(grafana_url)}" />' if grafana_url else ""
        self._base = f'<base href="{html.escape(base_path + "/", quote=True)}" />{grafana}'.encode()
        self._files: dict[str, tuple[bytes, str, dict[str, str]] | None] = {}

    def page(self) -> Response[bytes]:
        """The one page; its script looks at the path."""
        index = self._folder / "index.html"
        nonce = secrets.token_urlsafe(16)
        content = index.read_bytes() if index.is_file() else _MISSING
        content = content.replace(NONCE, nonce.encode()).replace(BASE, self._base, 1)
        headers = {
            "Content-Security-Policy": policy(nonce, self._grafana_url),
            "Cache-Control": "no-cache",
        }
        return Response(content, media_type="text/html", headers=headers)

    def file(self, path: str, accepted: str) -> Response[bytes] | None:
        """A file of the console, compressed if the client takes that; None when there is no such file."""
        for encoding, ending in (*_TWINS, ("", "")):
            if encoding in accepted and (found := self._read(path, encoding, ending)) is not None:
                content, kind, headers = found
                return Response(content, media_type=kind, headers=headers)
        return None

    def _read(self, path: str, encoding: str, ending: str) -> tuple[bytes, str, dict[str, str]] | None:
        key = path + ending
        if key in self._files:
            return self._files[key]
        try:
            target = (self._folder / key.lstrip("/")).resolve()
            there = target.is_relative_to(self._folder) and target.is_file()
        except (OSError, ValueError):  # no file can have such a name: too long, or a zero byte in it
            return None
        if not there or target.name.startswith("index.html"):
            return None  # never remembered: a crawler must not fill the memory with names
        content = target.read_bytes()
        suffix = Path(path).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        hashed = path.lstrip("/").startswith("assets/")
        headers = {
            "Cache-Control": _FOREVER if hashed else "no-cache",
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "Vary": "Accept-Encoding",
        }
        if encoding:
            headers["Content-Encoding"] = encoding
        self._files[key] = (content, kind, headers)
        return self._files[key]


# What is below /observability is API, and is a page of the console itself.
@get(["/", "/observability"], allow=ANYONE, media_type="text/html", include_in_schema=False, opt={ANY_QUERY: True})
async def show_console(console: Console) -> Response[bytes]:
    """The console."""
    return console.page()


@litestar.get("/{rest:path}", include_in_schema=False, opt={ANY_QUERY: True, ALLOW: ANYONE})
async def show_file_or_page(console: Console, rest: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
    """A file of the console; any other path is one of its pages, and its script knows which."""
    found = console.file(rest, request.headers.get("accept-encoding", ""))
    if found is not None:
        return found
    if rest.lstrip("/").startswith("assets/") or "." in Path(rest).name:
        return not_found(request)
    return console.page()


def not_found(request: Request[Any, Any, Any]) -> Response[Any]:
    """A path that is nothing: JSON, never a page."""
    detail = f"{request.method} {request.url.path} is not part of this API; see /docs."
    return Response(
        render(404, "not-found", "There is no such thing.", detail),
        status_code=404,
        media_type="application/problem+json",
    )


@litestar.get(["/api/{rest:path}", "/observability/{rest:path}", "/api"], include_in_schema=False, opt={ALLOW: ANYONE})
async def unknown_api_path(request: Request[Any, Any, Any]) -> Response[Any]:
    """What no route of the API has, whatever the client says it accepts."""
    return not_found(request)


@litestar.route(
    "/{rest:path}", http_method=["POST", "PUT", "DELETE", "PATCH"], include_in_schema=False, opt={ALLOW: ANYONE}
)
async def unknown_action(request: Request[Any, Any, Any]) -> Response[Any]:
    """Nothing acts on an unknown path."""
    return not_found(request)


routes = [show_console, show_file_or_page, unknown_api_path, unknown_action]
