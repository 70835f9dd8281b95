"""Let one process own a database file, and tell a second one who does."""

import fcntl
import os
from pathlib import Path

from clustergenie.platform.errors import CannotStart


def take_lock(path: Path) -> int:
    """Hold `<file>.lock` for as long as this process lives. Raises CannotStart when another process holds it."""
    lock = path.with_name(path.name + ".lock")
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data directory {path.parent} is not usable ({error.strerror}); "
            "name a writable one with --data-dir or CLUSTERGENIE_DATA_DIR."
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(fd, 64, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise CannotStart(
            f"Another ClusterGenie process (pid {owner}) uses {path}; stop it first, or name another --data-dir. "
            "SQLite serves one process; several replicas need MySQL or PostgreSQL."
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)
    return fd
