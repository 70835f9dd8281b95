"""Name what a cloud can answer besides yes: the words every driver translates its provider's errors into, once."""

from clustergenie.platform.errors import Conflict, Invalid, NotFound, Problem, Unavailable


class MachineNotFound(NotFound):
    """The provider has no such machine."""


class NoCapacity(Unavailable):
    """The provider has no room for that size in that region right now."""


class OverQuota(Conflict):
    """The provider account has reached its limit."""


class Throttled(Problem):
    """The provider asks us to slow down."""

    status = 429

    def __init__(self, detail: str = "", /, *, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(detail, retry_after=retry_after)


class Refused(Invalid):
    """The provider refused the request; the same request will be refused again."""


class NoAnswer(Unavailable):
    """The provider did not answer in time; whether it acted is not known until its machines are listed."""


class UnknownProvider(Invalid, KeyError):
    """There is no provider of that name."""

    # A KeyError too, so that the registry's `get` has its default; but it reads as what it is.
    __str__ = Invalid.__str__
