"""What a check is: a name, how it went, why, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `warn` works but deserves a look; `fail` does not work; `skipped` could not be looked at."""

    name: str
    status: Literal["ok", "warn", "fail", "skipped"]
    why: str
    fix: str = ""

    def row(self) -> dict[str, str]:
        """The check as it is printed."""
        return asdict(self)
