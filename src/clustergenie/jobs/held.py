"""Hold one claimed job in this process: waiting for a slot, at work, or being settled."""

import asyncio
import time
from dataclasses import dataclass, field

from clustergenie.jobs.settle import Leave
from clustergenie.jobs.store import Claimed

REASONS = {"cancelled": "cancelled on request", "handed_back": None}


@dataclass(eq=False)
class Held:
    """A claimed job and its task.

    `refused`: who asked for it may not do so any more. `asked`: the outcome somebody asked for before it had its own.
    """

    job: Claimed
    refused: bool = False
    task: "asyncio.Task[None] | None" = None
    started: bool = False
    begun: bool = False
    ending: bool = False
    asked: str | None = None
    since: float = field(default_factory=time.monotonic)
    extended: float = field(default_factory=time.monotonic)

    def stop(self, outcome: str) -> None:
        """Ask it to end. The first asking counts, and once the end is being written it is too late."""
        if self.asked is not None or self.ending:
            return
        self.asked = outcome
        # A task that has not run yet would be cancelled without a trace; it looks at `asked` first thing.
        if self.started and self.task is not None:
            self.task.cancel()

    def stopped(self) -> Leave:
        """How it ended by being cancelled."""
        if self.asked is None:  # by itself: something it waited for was cancelled
            return Leave(self.job.id, self.job.fence, "retry", error="the handler was cancelled from within")
        return Leave(self.job.id, self.job.fence, self.asked, error=REASONS[self.asked])

    def waits_long(self, lease_seconds: float) -> bool:
        """Whether it still waits for a slot, and its deadline would come before long."""
        return not self.begun and time.monotonic() - self.extended > self.job.timeout_seconds - lease_seconds
