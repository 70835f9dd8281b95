"""Die at a chosen line of the local provider, again and again: `dying DIRECTORY ACTION LINE...`.

For each number a child plays the action over a directory of its own and is killed by SIGKILL when that many lines of
the provider have run, the first two times that each runs counted: more rounds of a loop bring nothing new. Line 0 never
comes: the child prints how many lines there were. One process imports, many children die: importing is what takes long.
"""

import asyncio
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from clustergenie.providers import local
from tests.providers.accounts import LocalAccount, opened
from tests.providers.orders import order

ROUNDS = 2
OURS = str(Path(local.__file__).parent)


class Countdown:
    """Counts the provider's lines in every thread."""

    def __init__(self, line: int) -> None:
        self.line, self.passed = line, 0
        self.rounds: Counter[tuple[str, int]] = Counter()

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            place = (frame.f_code.co_filename, frame.f_lineno)
            self.rounds[place] += 1
            self.passed += self.rounds[place] <= ROUNDS
            if self.passed == self.line:
                os.kill(os.getpid(), signal.SIGKILL)
        return self

    def start(self) -> None:
        threading.settrace(self)
        sys.settrace(self)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)


async def play(account: LocalAccount, action: str, countdown: Countdown) -> None:
    """Create, or destroy what was created, under the countdown."""
    if action == "create":
        countdown.start()
    async with opened(account.driver()) as driver:
        made = await driver.create(order())
        if action == "create":
            countdown.stop()
            return
    async with opened(account.driver()) as driver:  # its threads are new, so they count too
        countdown.start()
        await driver.destroy(made.ref)
        countdown.stop()


def child(directory: Path, action: str, line: int) -> None:
    """One life."""
    directory.mkdir(parents=True, exist_ok=True)
    countdown = Countdown(line)
    asyncio.run(play(LocalAccount(directory), action, countdown))
    if line == 0:
        sys.stdout.write(f"{countdown.passed}\n")
        sys.stdout.flush()


def main(directory: str, action: str, *lines: str) -> None:
    """One child after the other."""
    for line in lines:
        pid = os.fork()
        if pid == 0:
            child(Path(directory) / line, action, int(line))
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
