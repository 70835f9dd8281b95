"""Keep what is known about each local droplet in its directory, written so that a crash leaves the old or the new."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

MACHINE, BOOTSTRAP, PROCESS, SERVER, HALTED = (
    "machine.json",
    "bootstrap.json",
    "process.json",
    "server.json",
    "halted",
)
DOOMED = ".gone-"
T = TypeVar("T")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that shall be: written before its process is started, and there until it is destroyed."""

    installation: str
    droplet_id: str
    name: str
    cluster_id: str | None
    region: str
    size: str
    image: str
    address: str
    port: int
    created_at: datetime
    cgroups: dict[str, str | int]
    limits: str


class ProcessRecord(msgspec.Struct, frozen=True):
    """Which process is the agent, written by the one that holds the lock. A pid alone may have been given away."""

    pid: int
    start: int
    boot_id: str


def root_of(data_dir: str | os.PathLike[str]) -> Path:
    """Where the local droplets of a data directory live; always the same spelling, because processes carry it."""
    return Path(data_dir).resolve() / "local"


def write(path: Path, content: object) -> None:
    """Replace a JSON file at once; only its owner may read it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(content))
    finally:
        os.close(descriptor)
    temporary.rename(path)


def read(path: Path, kind: type[T]) -> T | None:
    """What a JSON file holds, or None when it is absent or not that."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


def intent(state: Path) -> Intent | None:
    """The machine that lives in a directory, if one does."""
    return read(state / MACHINE, Intent)


def intents(root: Path) -> Iterator[tuple[Path, Intent]]:
    """Every machine below a root, whoever's it is."""
    for state in directories(root):
        found = intent(state)
        if found is not None:
            yield state, found


def directories(root: Path) -> list[Path]:
    """The directories of machines, whole or not."""
    try:
        with os.scandir(root) as entries:
            return [root / entry.name for entry in entries if entry.name[0] != "." and entry.is_dir()]
    except FileNotFoundError:
        return []


def write_bootstrap(state: Path, content: dict[str, Any]) -> None:
    """Hand the agent its token. It looks at this file again whenever it is refused."""
    write(state / BOOTSTRAP, content)


def remove(state: Path) -> None:
    """Make a directory vanish at once, then free its space."""
    doomed = state.with_name(f"{DOOMED}{state.name}-{os.urandom(4).hex()}")
    try:
        state.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)


def sweep(root: Path) -> None:
    """Finish removals that a crash interrupted."""
    for doomed in root.glob(f"{DOOMED}*"):
        shutil.rmtree(doomed, ignore_errors=True)
