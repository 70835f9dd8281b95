"""Share one server among the processes of a test run: the first that needs it starts it, the last one ends it."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def shared(name: str, start: Callable[[Path], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What `start(folder)` told about the server, its `pid` included; at most one of the name runs at a time."""
    folder = Path(tempfile.gettempdir()) / f"cg-{name}-{os.environ['CG_TEST_RUN']}"
    folder.mkdir(exist_ok=True)
    with _locked(folder) as state:
        if not state:
            state.update(start(folder), users=0)
        state["users"] += 1
        told = dict(state)
    try:
        yield told
    finally:
        with _locked(folder) as state:
            state["users"] -= 1
            if state["users"] == 0:
                _end(state["pid"])
                state.clear()
        if not state:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[dict[str, Any]]:
    # The lock is beside the folder, which goes with its server.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = folder / "state.json"
        state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        try:
            yield state
        finally:
            folder.mkdir(exist_ok=True)
            file.write_text(json.dumps(state))


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _lives(pid) and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # another worker's child, who reads its end when it ends itself
