"""Turn every failure into RFC 9457 `application/problem+json`; a 500 is a bug and says so without its inside."""

import http
import re
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from clustergenie.platform.errors import Problem
from clustergenie.platform.telemetry import context, log, redact

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://clustergenie.dev/problems/"


class FieldError(msgspec.Struct):
    """One thing wrong at one place: `pointer` is a JSON pointer into the body, or `?name` for a query parameter."""

    pointer: str
    detail: str


class ProblemDocument(msgspec.Struct):
    """RFC 9457, with `errors[]`, the ids to quote in a bug report, and `error` for clients of the first API."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    request_id: str = ""
    trace_id: str = ""
    error: str = ""


def render(status: int, kind: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """The body of a problem; `more` are its extension members."""
    ids = context()
    return {
        "type": TYPE_BASE + kind,
        "title": title,
        "status": status,
        "detail": redact(detail),
        "errors": redact(more.pop("errors", [])),
        "request_id": ids.get("request_id", ""),
        "trace_id": ids.get("trace_id", ""),
        "error": redact(detail),
        **redact(more),
    }


async def answer(send: Any, status: int, kind: str, title: str, detail: str) -> None:
    """Send a problem from outside the routes, as an ASGI application does."""
    body = msgspec.json.encode(render(status, kind, title, detail))
    log().warning("request refused", status=status, type=kind, detail=redact(detail))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _respond(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response[Any]:
    if status >= http.HTTPStatus.BAD_REQUEST:
        log().warning("request refused", status=status, type=body["type"].rsplit("/", 1)[-1], detail=body["detail"])
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers or {})


def _problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    extra = {name: value for name, value in problem.extra.items() if name != "retry_after"}
    body = render(problem.status, problem.type_name(), problem.title(), problem.detail, errors=problem.errors, **extra)
    return _respond(problem.status, body, problem.headers())


def _validation(_request: Request[Any, Any, Any], failure: ValidationException) -> Response[Any]:
    errors = [_field_error(item) for item in failure.extra or [] if isinstance(item, dict)]
    detail = "; ".join(f"{error['pointer'] or 'the body'}: {error['detail']}" for error in errors) or failure.detail
    return _respond(422, render(422, "invalid", "The request is not valid.", detail, errors=errors))


def _field_error(item: dict[str, Any]) -> dict[str, str]:
    key = str(item.get("key", ""))
    detail = str(item.get("message", "is not valid"))
    if detail == "'data'":  # Litestar's word for a body that is not there
        detail = "is missing; send a JSON object"
    if item.get("source", "body") != "body":
        return {"pointer": f"?{key}", "detail": detail}
    named = _NAMED.search(detail)  # what is missing or unknown is told at the place of its object
    return {"pointer": pointer_of(f"{key}.{named[1]}" if named else key), "detail": detail}


_NAMED = re.compile(r"(?:missing required|contains unknown) field `([^`]+)`")


def pointer_of(path: str) -> str:
    """`parameters.items[3].name` → `/parameters/items/3/name` (RFC 6901)."""
    parts = [part for part in re.split(r"[.\[\]]+", path) if part and part != "data"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


_WORDS = {
    400: ("malformed", "The request could not be read."),
    404: ("not-found", "There is no such thing."),
    405: ("method-not-allowed", "This path does not answer to that method."),
    413: ("too-large", "The request is too large."),
    415: ("unsupported-media-type", "The body must be JSON."),
    429: ("too-many-requests", "Too many requests."),
}


def _http(request: Request[Any, Any, Any], failure: HTTPException) -> Response[Any]:
    status = failure.status_code
    if status >= 500:
        return _bug(request, failure)
    kind, title = _WORDS.get(status, ("refused", "The request was refused."))
    detail = {
        404: f"{request.method} {request.url.path} is not part of this API; see /docs.",
        405: f"{request.url.path} does not answer to {request.method}; see /docs.",
        400: f"The body is not JSON: {failure.detail}.",
        413: "The body is larger than 1 MB, the most this server takes.",
    }.get(status, failure.detail)
    return _respond(status, render(status, kind, title, detail), dict(failure.headers or {}))


def _bug(_request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
    log().error("unhandled failure", exc_info=failure)
    detail = "This is a bug in ClusterGenie; please report it with the request id."
    return _respond(500, render(500, "bug", "Something went wrong inside the server.", detail))


def _too_deep(_request: Request[Any, Any, Any], _failure: RecursionError) -> Response[Any]:
    detail = "The body is nested too deeply to be read."
    return _respond(400, render(400, "malformed", "The request could not be read.", detail))


exception_handlers: dict[Any, Any] = {
    Problem: _problem,
    ValidationException: _validation,
    HTTPException: _http,
    RecursionError: _too_deep,  # the decoder's way to say it; nothing of ours recurses on input
    Exception: _bug,
}
