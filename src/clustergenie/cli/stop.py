"""`clustergenie stop`: stop the server of a data directory, and its local droplets if asked to."""

import json
import os
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clustergenie.cli import output
from clustergenie.cli.failures import Failed
from clustergenie.cli.options import seconds
from clustergenie.cli.server import borrow, data_dir_of, starting

STARTED = 22  # the field of /proc/PID/stat that tells two processes with one pid apart (proc(5))


def stop(*, data_dir: Path | None = None, droplets: bool = False, grace: str = "30s") -> None:
    """Stop the control plane of a data directory; its droplets live on unless --droplets is given.

    Args:
        data_dir: The server's data directory (CLUSTERGENIE_DATA_DIR).
        droplets: End every local droplet as well.
        grace: How long it may take to finish what it is doing before it is killed.
    """
    home = data_dir_of(data_dir)
    server = read_pid_file(home / "serve.json")
    if server is None:
        output.note(f"No server runs on {home}.")
    else:
        end(int(server["pid"]), server.get("start"), seconds(grace))
        output.note(f"Stopped the server (pid {server['pid']}) of {home}.")
    if droplets:
        with starting():
            ended = borrow("stop_all")(home)
        output.note(f"Ended {ended} local droplets." if isinstance(ended, int) else "Ended every local droplet.")


def read_pid_file(path: Path) -> Mapping[str, Any] | None:
    """The server that wrote the pid file, if that very process still lives."""
    try:
        server = json.loads(path.read_text())
        pid = int(server["pid"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise Failed(f"{path} is not a pid file: {broken}. Find the server yourself, then delete the file.") from broken
    born = started_at(pid)
    if born is None or (server.get("start") is not None and str(server["start"]) != born):
        return None  # the pid is free, or belongs to somebody else by now
    return dict(server)


def started_at(pid: int) -> str | None:
    """When the kernel started this process, in its own ticks; None if there is none or it is dead already."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[STARTED - 3]


def end(pid: int, start: object, grace: float) -> None:
    """SIGTERM, then SIGKILL after the grace; returns when the process is gone. The handle rules out a reused pid."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if start is not None and started_at(pid) != str(start):
            return
        for sent, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            if _gone_after(handle, sent, patience):
                return
    except PermissionError as refused:
        raise Failed(f"The server (pid {pid}) belongs to another user; stop it as that user.") from refused
    finally:
        os.close(handle)
    raise Failed(f"The server (pid {pid}) does not end, not even by SIGKILL.")


def _gone_after(handle: int, sent: signal.Signals, patience: float) -> bool:
    try:
        signal.pidfd_send_signal(handle, sent)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        if select.select([handle], [], [], left)[0]:
            return True
    return False
