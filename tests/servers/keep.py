"""Keep one database server for one test run: `python -m tests.servers.keep KIND FOLDER OWNER`.

It starts the server in the folder, writes its address to FOLDER/url once it answers, and stops it when told to, or when
the process OWNER is gone. It is a process of its own because no worker of a run outlives all the others for certain.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.passage import let_others_through

PATIENCE_SECONDS = 60.0
ROOM_BYTES = 4_000_000_000
MARIADB = (
    "--no-defaults", "--bind-address=127.0.0.1", "--skip-log-bin", "--character-set-server=latin1",
    "--max-connections=400",
    "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M", "--performance-schema=OFF",
    "--innodb-flush-log-at-trx-commit={flush}", "--innodb-doublewrite={doublewrite}", "--default-time-zone=+05:30",
)  # fmt: skip
POSTGRESQL = (
    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=400",
    "-c", "shared_buffers=128MB", "-c", "fsync={fsync}", "-c", "synchronous_commit={fsync}",
    "-c", "full_page_writes={fsync}",
    "-c", "timezone=Asia/Kolkata", "-c", "autovacuum_naptime=10s",
)  # fmt: skip
# Time zone and character set are wrong on purpose: nothing may rest on what a server happens to be set to.


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mariadb(folder: Path, *, durable: bool) -> tuple[list[str], str]:
    """Make a data directory; the command that serves it, and its address."""
    data, port = folder / "data", free_port()
    user = f"--user={pwd.getpwuid(os.getuid()).pw_name}"
    install = [_found("mariadb-install-db"), "--no-defaults", f"--datadir={data}", user, "--skip-test-db"]
    _run([*install, "--auth-root-authentication-method=normal"], folder / "install.log")
    words = [word.format(flush=int(durable), doublewrite=int(durable)) for word in MARIADB]
    command = [_found("mariadbd"), *words, user, f"--datadir={data}", f"--socket={folder}/socket", f"--port={port}"]
    return [*command, f"--pid-file={folder}/pid"], f"mysql://root@127.0.0.1:{port}"


def postgresql(folder: Path, *, durable: bool) -> tuple[list[str], str]:
    """Make a data directory; the command that serves it, and its address. The server does not run as root."""
    data, port = folder / "data", free_port()
    become: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        let_others_through(folder)
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    install = [_found("initdb"), "-D", str(data), "-U", "cg", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    _run([*become, *install], folder / "install.log")
    words = [word.format(fsync="on" if durable else "off") for word in POSTGRESQL]
    return [*become, _found("postgres"), "-D", str(data), "-p", str(port), *words], f"postgresql://cg@127.0.0.1:{port}"


KINDS: dict[str, Callable[..., tuple[list[str], str]]] = {"mariadb": mariadb, "postgresql": postgresql}


def _found(name: str) -> str:
    places = ["/usr/sbin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        raise SystemExit(f"{name} is not installed; ./test.sh does that where it can")
    return found


def _run(command: list[str], log: Path) -> None:
    with log.open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=log.parent)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{log.read_text()}")


def _answers(url: str) -> bool:
    host, _, port = url.rpartition("@")[2].partition(":")
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, int(port))) == 0


def main(kind: str, folder: Path, owner: int) -> None:
    """Serve until told to stop or forsaken."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the run, which then tells us
    folder.mkdir(parents=True, exist_ok=True)
    name, _, how = kind.partition("-")
    home = place(durable=how == "durable")
    try:
        serve(name, folder, home, lambda: bool(told) or not Path(f"/proc/{owner}").exists(), durable=how == "durable")
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def place(*, durable: bool) -> Path:
    """A folder for the data: in memory where there is room, unless it is to last; making a schema is mostly waiting."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix="cg-db.", dir=str(memory) if roomy and not durable else None))


def serve(name: str, folder: Path, home: Path, ended: Callable[[], bool], *, durable: bool) -> None:
    """Start the server, leave its address in FOLDER/url, and stop it at the end."""
    command, url = KINDS[name](home, durable=durable)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{name} does not come up:\n{(folder / 'log').read_text()}")
        time.sleep(0.05)
    (folder / "url.new").write_text(url)
    (folder / "url.new").rename(folder / "url")
    while not ended() and server.poll() is None:
        time.sleep(0.2)
    server.send_signal(signal.SIGINT if name == "postgresql" else signal.SIGKILL)
    server.wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
