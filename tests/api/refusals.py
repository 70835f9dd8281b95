"""A check that schemathesis makes of every answer: who is not let in learns nothing but that."""

from typing import Any

import schemathesis

SAYS_NOTHING = {"type", "title", "status", "detail", "errors", "request_id", "trace_id", "error"}


@schemathesis.check
def refusals_tell_nothing(_ctx: Any, response: Any, _case: Any) -> None:
    """A 401 or 403 has the members of a problem, no field errors, and a way to prove oneself."""
    if response.status_code in (401, 403):
        body = response.json()
        assert set(body) == SAYS_NOTHING, body
        assert body["errors"] == [], body
        assert response.status_code == 403 or response.headers["www-authenticate"] == ["Bearer"]
