"""Stop asking a server that does not answer, and ask again a little later: a circuit breaker."""

from collections.abc import Callable

FAILURES = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


class Breaker:
    """Opens after some failures in a row; after a pause one caller may try, and each failure doubles the pause."""

    def __init__(self, clock: Callable[[], float], *, failures: int = FAILURES) -> None:
        self._clock, self._allowed = clock, failures
        self._failed = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._until = 0.0

    def may_try(self) -> bool:
        """Whether to ask now. While it is open, a yes is given to one caller for each pause."""
        if self._failed < self._allowed:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause
        return True

    def failed(self) -> None:
        """There was no answer."""
        self._failed += 1
        if self._failed >= self._allowed:
            if self._failed > self._allowed:
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            self._until = self._clock() + self._pause

    def answered(self) -> None:
        """There was one."""
        self._failed, self._pause = 0, FIRST_PAUSE_SECONDS
