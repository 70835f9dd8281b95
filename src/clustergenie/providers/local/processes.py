"""Find and end the processes of local droplets, even those that left their group and those nobody wrote down."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from clustergenie.providers.errors import Refused
from clustergenie.providers.local import records

MARK = b"CG_STATE_DIR="
STUCK_SECONDS = 10.0
EXEC_LOOKS = 200


class Seen(msgspec.Struct, frozen=True):
    """A process, told apart from a later one of the same number by when it started (clock ticks since boot)."""

    pid: int
    start: int
    session: int = -1


@cache
def boot_id() -> str:
    """Which boot of this computer it is; pids and start times mean nothing across boots."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def look(pid: int) -> Seen | None:
    """A process that runs; None when it has ended, whether or not its parent has noticed."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123  Path.open costs three times as much
            stat = file.read(1024)
        fields = stat[stat.rindex(b")") + 2 :].split()
        return None if fields[0] in b"ZXx" else Seen(pid, int(fields[19]), int(fields[3]))
    except (OSError, ValueError, IndexError):
        return None


def recorded(state: Path) -> Seen | None:
    """The agent that wrote itself down in a directory, if it still runs."""
    record = records.read(state / records.PROCESS, records.ProcessRecord)
    if record is None or record.boot_id != boot_id():
        return None
    seen = look(record.pid)
    return seen if seen is not None and seen.start == record.start else None


def everyone() -> Iterator[Seen]:
    """Every process that runs."""
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    for pid in pids:
        seen = look(pid)
        if seen is not None:
            yield seen


def home_of(pid: int) -> str | None:
    """The droplet directory a process carries in its environment."""
    try:
        environ = _environ(pid)
    except OSError:
        return None
    at = 0 if environ.startswith(MARK) else environ.find(b"\0" + MARK) + 1
    if not environ.startswith(MARK, at):
        return None
    return os.fsdecode(environ[at + len(MARK) :].split(b"\0", 1)[0])


def _environ(pid: int) -> bytes:
    """A process's environment.

    For a moment in execve a process shows neither environment nor arguments, though who started it was told already
    that it runs; what tells it from a kernel thread is that it has a program.
    """
    for _ in range(EXEC_LOOKS):
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123
            environ = file.read(1 << 20)
        if environ:
            return environ
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:  # noqa: PTH123
            if file.read(1):
                return _environ_now(pid)
        Path(f"/proc/{pid}/exe").readlink()  # OSError: a kernel thread or a zombie
        time.sleep(0.0005)
    return b""


def _environ_now(pid: int) -> bytes:
    """Arguments are there, so the environment is; it may have come since we looked."""
    with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123
        return file.read(1 << 20)


def census(root: Path) -> dict[Path, list[Seen]]:
    """All processes marked as belonging below a root, by droplet directory. One pass, 15 microseconds each."""
    prefix = f"{root}/"
    found: dict[Path, list[Seen]] = {}
    for seen in everyone():
        home = home_of(seen.pid)
        if home is not None and home.startswith(prefix) and seen.pid != os.getpid():
            found.setdefault(Path(home), []).append(seen)
    return found


def agent_in(processes: Iterable[Seen]) -> Seen | None:
    """The agent among a droplet's processes: the oldest that leads its own session."""
    leaders = [seen for seen in processes if seen.pid == seen.session]
    return min(leaders, key=lambda seen: (seen.start, seen.pid), default=None)


def members(states: dict[Path, Iterable[str | int]]) -> list[Seen]:
    """Every process of some droplets (directory → its cgroups): by environment, by session and by cgroup."""
    sessions: set[int] = set()
    limited: set[int] = set()
    for state, cgroups in states.items():
        record = records.read(state / records.PROCESS, records.ProcessRecord)
        if record is not None and record.boot_id == boot_id():
            leader = look(record.pid)
            if leader is None or leader.start == record.start:  # else the number was given to a stranger
                sessions.add(record.pid)
        for cgroup in cgroups:
            if isinstance(cgroup, str):
                with suppress(OSError):
                    limited.update(map(int, Path(cgroup, "cgroup.procs").read_text().split()))
    homes = {str(state) for state in states}
    return [
        seen
        for seen in everyone()
        if seen.pid != os.getpid() and (seen.session in sessions or seen.pid in limited or home_of(seen.pid) in homes)
    ]


def end(find: Callable[[], list[Seen]], grace_seconds: float) -> int:
    """End every process that `find` finds: ask, wait, force, until it finds none. Returns how many there were.

    A stopped process is continued, so that it hears the request. Raises Refused when the kernel will not let one go.
    """
    victims = find()
    count = len(victims)
    tell(victims, signal.SIGTERM, signal.SIGCONT)
    asked, pause = time.monotonic(), 0.005
    while victims:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        reap(victims)
        left = [seen for seen in victims if still(seen)]
        victims = left or find()
        waited = time.monotonic() - asked
        if waited > grace_seconds:
            tell(victims, signal.SIGKILL)
        elif not left:
            tell(victims, signal.SIGTERM, signal.SIGCONT)  # started while we were ending the others
        if victims and waited > grace_seconds + STUCK_SECONDS:
            raise Refused(f"Processes {sorted(seen.pid for seen in victims)} do not end even when killed.")
    return count


def still(seen: Seen) -> bool:
    """Whether a process runs on."""
    now = look(seen.pid)
    return now is not None and now.start == seen.start


def tell(victims: Iterable[Seen], *signals: signal.Signals) -> None:
    """Send signals; one that has ended already is fine."""
    for seen in victims:
        for number in signals:
            with suppress(OSError):
                os.kill(seen.pid, number)


def reap(ended: Iterable[Seen]) -> None:
    """Collect those that were our children; the others have a parent of their own to do so."""
    for seen in ended:
        with suppress(ChildProcessError):
            os.waitpid(seen.pid, os.WNOHANG)
