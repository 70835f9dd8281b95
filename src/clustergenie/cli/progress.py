"""Show work as it goes, on stderr: a bar where a person watches, a line per step everywhere else."""

import sys
import time
from importlib import import_module
from typing import Protocol, cast

from clustergenie.cli import output


class Progress(Protocol):
    """Somewhere to show how far a piece of work is."""

    def step(self, percent: int, text: str) -> None:
        """Something happened."""

    def close(self) -> None:
        """Nothing more will."""


class Silent:
    """Shows nothing."""

    def step(self, percent: int, text: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Leave nothing behind."""


class Lines:
    """One line per step: for logs, pipes and CI."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def step(self, percent: int, text: str) -> None:
        """`+  1.2s [ 30%] machine ordered`."""
        output.note(f"+{time.monotonic() - self._started:6.1f}s [{percent:3d}%] {text}")

    def close(self) -> None:
        """Lines need no end."""


def choose(title: str, *, watch: bool) -> Progress:
    """A bar on a terminal; off one, lines if they were asked for."""
    if output.lively(sys.stderr):
        return cast(Progress, import_module("clustergenie.cli.bars").Bar(title))
    return Lines() if watch else Silent()
