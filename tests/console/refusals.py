"""Answer calls of the console as a server does that says no."""

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route

from tests.console.browsing import NOT_A_SUCCESS, Visit

FIXES = {
    401: "Sign in again",
    403: "Ask an administrator",
    404: "It may have been deleted",
    409: "Look at what changed",
    422: "Correct the marked fields",
    429: "Wait 7 s",
    503: "Wait 7 s",
}
"""Every refusal that a call may get, and how the page's advice on it begins."""
REQUEST_ID = "feedc0dedeadbeef"
API = r"/api/v1/(?!events/stream)|/readyz"


def problem(status: int, **more: Any) -> dict[str, Any]:
    """The server's own way to say no."""
    return {
        "type": "https://clustergenie.dev/problems/no",
        "title": f"The server says {status}.",
        "status": status,
        "detail": "It has its reasons.",
        "errors": [],
        "request_id": REQUEST_ID,
        "trace_id": "0" * 32,
        **more,
    }


def answering(status: int, **more: Any) -> Callable[[Route], None]:
    """Answers a call so."""

    def answer(route: Route) -> None:
        headers = {"content-type": "application/problem+json"}
        if status in (429, 503):
            headers["retry-after"] = "7"
        route.fulfill(status=status, headers=headers, body=json.dumps(problem(status, **more)))

    return answer


def refusing(visit: Visit, pattern: str, status: int, **more: Any) -> None:
    """From here on, what matches is answered with that status."""
    visit.complaints.expect(NOT_A_SUCCESS)
    visit.context.route(re.compile(pattern), answering(status, **more))
