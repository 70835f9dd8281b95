"""Say what went wrong, why, and what to do: the base of every failure a user can meet."""

import re
from typing import ClassVar


class Problem(Exception):
    """Something went wrong.

    A subclass is one fact. Its docstring's first line is the title a user reads (RFC 9457 `title`), its class name
    in kebab-case the `type`, `status` the HTTP status, and keyword arguments become extension members. `detail` is
    the sentence for this occurrence: what, why, and what to do about it.
    """

    status: ClassVar[int] = 500

    def __init__(self, detail: str = "", /, *, errors: list[dict[str, str]] | None = None, **extra: object) -> None:
        self.detail = detail or self.title()
        self.errors = errors or []
        self.extra = extra
        super().__init__(self.detail)

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @classmethod
    def type_name(cls) -> str:
        """The stable name of this kind of problem, e.g. `name-taken`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def headers(self) -> dict[str, str]:
        """Response headers this problem asks for; `retry_after` (seconds) becomes `Retry-After`."""
        retry_after = self.extra.get("retry_after")
        return {"Retry-After": str(max(1, round(float(str(retry_after)))))} if retry_after is not None else {}


class Invalid(Problem):
    """The request is not valid."""

    status = 422


class Malformed(Problem):
    """The request could not be read."""

    status = 400


class NotFound(Problem):
    """There is no such thing."""

    status = 404


class Conflict(Problem):
    """The request conflicts with what is there."""

    status = 409


class Gone(Problem):
    """It was there once, and will not come back."""

    status = 410


class Unauthenticated(Problem):
    """The caller did not prove who they are."""

    status = 401

    def headers(self) -> dict[str, str]:
        """How to prove it (RFC 9110 §11.6.1)."""
        return {**super().headers(), "WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """The caller may not do this."""

    status = 403


class Unavailable(Problem):
    """The service cannot do this right now; try again shortly."""

    status = 503


class NotAnswered(Problem):
    """Another server did not answer as it should."""

    status = 502


def invalid(pointer: str, detail: str) -> Invalid:
    """An `Invalid` that names one place in the body (JSON pointer) or the query (`?name`)."""
    return Invalid(detail, errors=[{"pointer": pointer, "detail": detail}])


class CannotStart(Exception):
    """The process cannot start; the message is one sentence: which setting or resource, why, and what to do."""
