"""Real database servers for tests: started once in a run, by whoever needs one first, and stopped at its end."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GIVEN = {"mariadb": "CG_TEST_MYSQL_URL", "postgresql": "CG_TEST_POSTGRES_URL"}
"""Servers that are there already: an address without a database, of a user who may create some."""
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90.0


def claim_the_run() -> None:
    """Call it in the process that owns the run, before any worker starts."""
    os.environ["CG_TEST_SERVERS"] = tempfile.mkdtemp(prefix="cg-db.")
    os.environ["CG_TEST_OWNER"] = str(os.getpid())


def server(kind: str) -> str:
    """The address of a server (`mariadb`, `postgresql`, or either with `-durable`), without a database."""
    given = os.environ.get(GIVEN.get(kind, ""))
    if given:
        return given.rstrip("/")
    folder = Path(os.environ["CG_TEST_SERVERS"])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / kind / "url").exists():
            _start(kind, folder)
    return (folder / kind / "url").read_text()


def _start(kind: str, folder: Path) -> None:
    command = [sys.executable, "-m", "tests.servers.keep", kind, str(folder / kind), os.environ["CG_TEST_OWNER"]]
    with (folder / f"{kind}.log").open("wb") as log:
        keeper = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    (folder / f"{kind}.pid").write_text(str(keeper.pid))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / kind / "url").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{kind} could not be started:\n{(folder / f'{kind}.log').read_text()}")
        time.sleep(0.05)
    keeper.returncode = 0  # whoever owns the run ends it; else this process would warn that nobody waited for it


def stop_all() -> None:
    """Stop what this run has started; in the process that owns it, after every worker has ended."""
    folder = Path(os.environ["CG_TEST_SERVERS"])
    for note in folder.glob("*.pid"):
        pid = int(note.read_text())
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    for left in folder.glob("*"):
        if left.is_file():
            left.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
