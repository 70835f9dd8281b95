"""Say why a call failed, in the server's own words (RFC 9457 problem+json)."""

from collections.abc import Mapping
from typing import Any, TypedDict


class FieldError(TypedDict):
    """One place in the request that is wrong: a JSON pointer (or `?name`) and the reason."""

    pointer: str
    detail: str


class ClientError(Exception):
    """A call to ClusterGenie did not succeed."""


class Unreachable(ClientError):
    """No server answered at that address."""

    def __init__(self, server: str, reason: str, *, sent: bool) -> None:
        self.server = server
        self.reason = reason
        self.sent = sent  # True when the server may have acted on the request
        super().__init__(f"No ClusterGenie server answered at {server} ({reason}).")


class NotAnApi(ClientError):
    """Something answered, but it is not the ClusterGenie API."""


class JobFailed(ClientError):
    """The job ended without doing its work."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = dict(job)
        why = job.get("error") or job.get("message") or "no reason given"
        super().__init__(f"Job {job.get('id')} {job.get('status')}: {why}")


class JobCancelled(JobFailed):
    """The job was cancelled before it finished."""


class WaitTimedOut(ClientError):
    """The wait was over before the work was; the work goes on."""

    def __init__(self, subject: Mapping[str, Any], seconds: float) -> None:
        self.subject = dict(subject)
        status = subject.get("status") or "not seen"
        super().__init__(f"{subject.get('id', 'It')} is still {status} after {seconds:g} s; it goes on without us.")


class ApiError(ClientError):
    """The server refused the request."""

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status = status
        self.problem = dict(problem)
        self.retry_after = retry_after
        self.type: str = str(problem.get("type") or "about:blank")
        self.title: str = str(problem.get("title") or f"HTTP {status}")
        self.detail: str = str(problem.get("detail") or problem.get("error") or self.title)
        self.errors: list[FieldError] = list(problem.get("errors") or [])
        self.request_id: str | None = problem.get("request_id")
        self.trace_id: str | None = problem.get("trace_id")
        super().__init__(self.detail)


class BadRequest(ApiError):
    """The request could not be read."""


class Unauthenticated(ApiError):
    """The server does not know who is asking."""


class Forbidden(ApiError):
    """The caller may not do this."""


class NotFound(ApiError):
    """There is no such thing."""


class Conflict(ApiError):
    """The request conflicts with what is there."""


class Invalid(ApiError):
    """The request is not valid."""


class RateLimited(ApiError):
    """Too many requests; `retry_after` says when to come back."""


class ServerError(ApiError):
    """The server failed."""


class Unavailable(ServerError):
    """The server cannot do this right now."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    422: Invalid,
    429: RateLimited,
    503: Unavailable,
}


def error_for(status: int, problem: Mapping[str, Any], retry_after: float | None) -> ApiError:
    """The exception that a response with this status stands for."""
    kind = _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    return kind(status, problem, retry_after=retry_after)
