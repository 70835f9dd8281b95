"""Turn whatever went wrong into one sentence and a stable exit code."""

import json
import re
from typing import Any, NamedTuple

from clustergenie.client import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    JobFailed,
    NotFound,
    Unauthenticated,
    Unreachable,
    WaitTimedOut,
)

FAILED, USAGE, CHANGES, NOT_ALLOWED, NOT_FOUND, CONFLICT, TIMED_OUT, INTERRUPTED = 1, 2, 3, 4, 5, 6, 7, 130


class Failed(Exception):
    """The command could not do what was asked; the message is one sentence."""

    code = FAILED


class Usage(Failed):
    """The command line is not valid; the message says which part and what would be."""

    code = USAGE


class Detached(Failed):
    """Ctrl-C while waiting: the work goes on, and the message says how to follow it again."""

    code = INTERRUPTED


class Failure(NamedTuple):
    """What the user is told."""

    code: int
    sentence: str
    facts: dict[str, Any]
    hints: tuple[str, ...] = ()


def _exit_code(error: ClientError) -> int:
    codes: tuple[tuple[type[ClientError] | tuple[type[ClientError], ...], int], ...] = (
        ((Unauthenticated, Forbidden), NOT_ALLOWED),
        (NotFound, NOT_FOUND),
        (Conflict, CONFLICT),
        (Invalid, USAGE),
        (WaitTimedOut, TIMED_OUT),
    )
    return next((code for kinds, code in codes if isinstance(error, kinds)), FAILED)


def _refusal(error: ApiError) -> Failure:
    facts = {"type": error.type, "title": error.title, "status": error.status, "detail": error.detail}
    facts |= {"errors": error.errors, "request_id": error.request_id, "trace_id": error.trace_id}
    hints = [f"{e.get('pointer', '')}: {e.get('detail', '')}" for e in error.errors if e.get("detail") != error.detail]
    if error.retry_after is not None:
        hints.append(f"try again in {error.retry_after:g} s")
    if error.request_id:
        hints.append(f"request id: {error.request_id}")
    return Failure(_exit_code(error), error.detail, facts, tuple(hints))


def _kebab(error: Exception) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()


def explain(error: Exception) -> Failure:
    """The sentence, the exit code and the facts of a failure; raises it again when nobody foresaw it."""
    if isinstance(error, ApiError):
        return _refusal(error)
    if isinstance(error, Unreachable):
        hints = ("start one with `clustergenie serve`, or name another with --server or CLUSTERGENIE_SERVER",)
        return Failure(FAILED, str(error), {"type": "unreachable", "detail": str(error)}, hints)
    if isinstance(error, WaitTimedOut):
        ident = str(error.subject.get("id", ""))
        kind = "job" if ident.startswith("job-") else "cluster"
        hints = (f"follow it with: clustergenie {kind} watch {ident}",)
        return Failure(TIMED_OUT, str(error), {"type": "wait-timed-out", "detail": str(error)}, hints)
    if isinstance(error, ClientError):
        facts = {"type": _kebab(error), "detail": str(error)}
        return Failure(
            _exit_code(error), str(error), facts | ({"job": error.job} if isinstance(error, JobFailed) else {})
        )
    if isinstance(error, Failed):
        return Failure(error.code, str(error), {"type": _kebab(error), "detail": str(error)})
    raise error


def render(failure: Failure, *, as_json: bool) -> str:
    """What goes to stderr."""
    if as_json:
        return json.dumps({"error": {"exit_code": failure.code, **failure.facts}})
    mark = "" if failure.code == INTERRUPTED else "error: "
    return "\n".join([f"{mark}{failure.sentence}", *(f"  {hint}" for hint in failure.hints)])
