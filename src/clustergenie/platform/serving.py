"""Listen on a port, and leave a note of who serves a data directory and where."""

import contextlib
import os
import socket
from pathlib import Path

import msgspec

from clustergenie.platform.errors import CannotStart

NOTE = "serve.json"
BACKLOG = 4096


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotStart when the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotStart(
            f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. Is another server running there? "
            "Stop it, or choose another port with --port or CLUSTERGENIE_PORT."
        ) from error
    listening.set_inheritable(False)
    return listening


def url_of(host: str, listening: socket.socket, scheme: str = "http") -> str:
    """Where the socket is reached from this machine."""
    port = listening.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where to be reached, not to listen
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def note(data_dir: Path, url: str) -> Path:
    """Write `<data_dir>/serve.json`: pid, its start time in clock ticks, this boot's id, and the URL."""
    path = data_dir / NOTE
    content = {"pid": os.getpid(), "start": started(os.getpid()), "boot_id": boot_id(), "url": url}
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.encode(content))
    temporary.replace(path)
    return path


def known_url(data_dir: Path) -> str | None:
    """Where the server of that directory said it is reached; None without one."""
    try:
        return str(msgspec.json.decode((data_dir / NOTE).read_bytes())["url"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return None


def started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), field 22): with the pid it names one process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def boot_id() -> str | None:
    """Which boot of the machine this is."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def tell_systemd(state: str) -> None:
    """`READY=1` or `STOPPING=1` to the service manager that started us, if one did: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told, contextlib.suppress(OSError):
        told.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
