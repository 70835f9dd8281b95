"""Hold droplets to their size with Linux control groups, version 1 or 2, where this process may make them."""

import hashlib
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

import msgspec

from clustergenie.providers.driver import Size

PERIOD_MICROSECONDS = 100_000
PIDS_PER_VCPU = 1024
SYSTEM = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "memory", "pids")


class Limits(msgspec.Struct, frozen=True):
    """Where droplets get their groups: controller → directory; empty: nowhere. `key` keeps data directories apart."""

    version: int = 0
    parents: dict[str, str] = {}
    key: str = ""

    def describe(self) -> str:
        """How a size is enforced, for the user."""
        held = [name for name in ("cpu", "memory", "pids") if name in self.parents]
        soft = "" if "memory" in held else "memory watched by the agent"
        enforced = f"cgroup v{self.version}: {', '.join(held)}" if held else ""
        return "; ".join(part for part in (enforced, soft) if part)

    def groups(self, droplet_id: str) -> dict[str, str | int]:
        """The groups a droplet will have; none is made yet."""
        if not self.parents:
            return {}
        return {
            "version": self.version,
            **{name: f"{path}/{self.key}-{droplet_id}" for name, path in self.parents.items()},
        }


def probe(root: Path, system: Path = SYSTEM) -> Limits:
    """What this host allows the droplets below `root`, found out by doing it."""
    key = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    if (system / "cgroup.controllers").exists():
        return _probe_v2(system / "clustergenie", key)
    parents = {}
    for name in CONTROLLERS:
        parent = system / name / "clustergenie"
        if (system / name / "cgroup.procs").exists() and _makes(parent / f"{key}-trial"):
            parents[name] = str(parent)
    return Limits(1, parents, key) if parents else Limits()


def _probe_v2(parent: Path, key: str) -> Limits:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _enable(parent.parent)
        _enable(parent)
        enabled = (parent / "cgroup.subtree_control").read_text().split()
    except OSError:
        return Limits()
    parents: dict[str, str] = {name: str(parent) for name in CONTROLLERS if name in enabled}
    return Limits(2, parents, key) if parents else Limits()


def _enable(directory: Path) -> None:
    """Let the groups below a directory have the controllers that it has itself."""
    there = (directory / "cgroup.controllers").read_text().split()
    control = directory / "cgroup.subtree_control"
    enabled = control.read_text().split()
    for name in CONTROLLERS:
        if name in there and name not in enabled:
            with suppress(OSError):  # what is not enabled is missing from what is read back
                control.write_text(f"+{name}")


def _makes(trial: Path) -> bool:
    """Whether a group can be made here."""
    try:
        trial.mkdir(parents=True, exist_ok=True)
        trial.rmdir()
    except OSError:
        return False
    return True


def make(groups: dict[str, str | int], size: Size) -> None:
    """Make a droplet's groups and set their limits; making them again is fine. Raises OSError."""
    paths = {Path(value) for value in groups.values() if isinstance(value, str)}
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
    for controller, name, value in _settings(groups, size):
        if controller in groups:
            (Path(str(groups[controller])) / name).write_text(value)
    for controller, name, value in _refinements(groups, size):
        if controller in groups:
            with suppress(OSError):  # no swap accounting in this kernel
                (Path(str(groups[controller])) / name).write_text(value)


def _settings(groups: dict[str, str | int], size: Size) -> list[tuple[str, str, str]]:
    quota = size.vcpus * PERIOD_MICROSECONDS
    pids = ("pids", "pids.max", str(size.vcpus * PIDS_PER_VCPU))
    memory = str(size.memory_mb << 20)
    if groups.get("version") == 2:
        return [("cpu", "cpu.max", f"{quota} {PERIOD_MICROSECONDS}"), ("memory", "memory.max", memory), pids]
    return [("cpu", "cpu.cfs_quota_us", str(quota)), ("memory", "memory.limit_in_bytes", memory), pids]


def _refinements(groups: dict[str, str | int], size: Size) -> list[tuple[str, str, str]]:
    """A droplet has no swap: what does not fit its memory is ended, not slowed."""
    if groups.get("version") == 2:
        return [("memory", "memory.swap.max", "0")]
    return [("memory", "memory.memsw.limit_in_bytes", str(size.memory_mb << 20))]


def drop(groups: dict[str, str | int], patience_seconds: float = 2.0) -> None:
    """Remove a droplet's groups, which the kernel allows a moment after the last process has ended."""
    paths = {Path(value) for value in groups.values() if isinstance(value, str)}
    until = time.monotonic() + patience_seconds
    while paths:
        paths = {path for path in paths if not _dropped(path)}
        if not paths or time.monotonic() > until:
            return
        time.sleep(0.01)


def sweep(limits: Limits, keep: Set[str]) -> None:
    """Remove the groups of droplets that are no more: a crash came between their end and the end of their groups."""
    for parent in {Path(value) for value in limits.parents.values()}:
        for path in parent.glob(f"{limits.key}-*"):
            if path.name.removeprefix(f"{limits.key}-") not in keep:
                _dropped(path)


def _dropped(path: Path) -> bool:
    for below in path.glob("*/"):  # a droplet may have made groups of its own
        _dropped(below)
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
