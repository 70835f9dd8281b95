"""Run commands inside a local droplet: what `clustergenie droplet exec` does for droplets on this computer."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from clustergenie.providers.errors import Refused
from clustergenie.providers.local import processes, records, spawn
from clustergenie.providers.local.driver import directory


def enter(data_dir: str | os.PathLike[str], droplet_id: str, argv: Sequence[str]) -> int:
    """Run a command in a droplet with our standard streams; its exit code, 128 + signal as shells say it.

    Raises MachineNotFound, and Refused when the droplet is not running.
    """
    pid = _start(data_dir, droplet_id, argv, None)
    while True:
        try:
            return _code(os.waitpid(pid, 0)[1])
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGINT)


def enter_detached(data_dir: str | os.PathLike[str], droplet_id: str, argv: Sequence[str]) -> int:
    """Start a command in a droplet and leave it running; its pid. What it prints goes to the droplet's exec.log.

    Raises MachineNotFound, and Refused when the droplet is not running.
    """
    return _start(data_dir, droplet_id, argv, directory(data_dir, droplet_id) / "exec.log")


def _start(data_dir: str | os.PathLike[str], droplet_id: str, argv: Sequence[str], log: Path | None) -> int:
    state = directory(data_dir, droplet_id)
    intent = records.intent(state)
    if intent is None or processes.recorded(state) is None:
        raise Refused(f"{droplet_id} is not running, so nothing can run in it.")
    if not argv:
        raise Refused("There is no command to run.")
    actions: list[Any] = []
    if log is not None:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
    program = str(Path(__file__).with_name("inside.py"))
    environment = spawn.environment(state, intent)
    if log is None and "TERM" in os.environ:
        environment["TERM"] = os.environ["TERM"]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", program, str(state), *argv],
        environment,
        file_actions=actions,
        setsid=True,
        setsigmask=[],
        setsigdef=spawn.DEFAULTS,
    )


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
