"""Find the processes a test run left behind, by the mark that every one of its processes inherits, and end them."""

import os
import signal
import time
from pathlib import Path

GRACE_SECONDS = 3.0


def processes_of(run: str) -> dict[int, str]:
    """The command line of each living process that has CG_TEST_RUN=<run> in its environment, except this one."""
    mark = f"CG_TEST_RUN={run}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in _environment(entry).split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked, or it is another user's
    return found


def _environment(process: Path) -> bytes:
    """The environment of a process, in the kernel's form.

    For a moment in execve a process has neither environment nor arguments in /proc, but has an executable already (a
    kernel thread and a zombie have none). Popen may have returned by then, so a leak could be missed: look again.
    """
    while True:
        arguments = (process / "cmdline").read_bytes()  # first: whoever has arguments has all of its environment
        environment = (process / "environ").read_bytes()
        if environment or arguments:
            return environment
        (process / "exe").readlink()  # OSError: nothing to wait for
        time.sleep(0.001)


def end_processes_of(run: str, grace_seconds: float = GRACE_SECONDS) -> list[str]:
    """Give stragglers a moment, then kill each one by its id; says whom it killed."""
    deadline = time.monotonic() + grace_seconds
    while (left := processes_of(run)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return [f"  {pid}: {command.strip()}" for pid, command in sorted(left.items())]
