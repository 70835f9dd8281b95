"""Make up what simulated machines report: plausible, repeatable, and moved by whoever tests with them."""

import zlib

import msgspec

from clustergenie.providers.driver import Size


class Level(msgspec.Struct, frozen=True):
    """One measure over time: a base, noise to both sides, and a step that begins some seconds after it was set."""

    base: float
    noise: float = 0.0
    step: float = 0.0
    step_after_seconds: float = 0.0

    def at(self, age_seconds: float, chance: float) -> float:
        """The value some seconds after it was set; `chance` in [0, 1) picks the noise."""
        step = self.step if age_seconds >= self.step_after_seconds else 0.0
        return self.base + step + self.noise * (2 * chance - 1)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine is busy with. cpu, memory and disk in percent of its size, network in bytes per second."""

    cpu: Level = Level(12.0, 4.0)
    memory: Level = Level(34.0, 3.0)
    disk: Level = Level(11.0, 0.5)
    network_in: Level = Level(180_000.0, 40_000.0)
    network_out: Level = Level(95_000.0, 25_000.0)


QUIET = Load()


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but the parts. Generators per machine would cost 2.5 KB each."""
    return zlib.crc32(repr(parts).encode()) / 2**32


def metrics(load: Load, size: Size, age_seconds: float, chances: list[float]) -> dict[str, float | int | bool]:
    """The metrics of one heartbeat, from five chances."""
    cpu, memory, disk = (
        min(100.0, max(0.0, level.at(age_seconds, luck)))
        for level, luck in zip((load.cpu, load.memory, load.disk), chances, strict=False)
    )
    limit = size.memory_mb << 20
    return {
        "cpu": round(cpu, 2),
        "memory": round(memory, 2),
        "disk": round(disk, 3),
        "network_in": round(max(0.0, load.network_in.at(age_seconds, chances[3])), 1),
        "network_out": round(max(0.0, load.network_out.at(age_seconds, chances[4])), 1),
        "memory_bytes": int(limit * memory / 100),
        "memory_limit_bytes": limit,
        "disk_bytes": int(size.disk_gb * 1e9 * disk / 100),
        "load1": round(cpu * size.vcpus / 100, 2),
        "processes": 20 + int(cpu),
        "oom_kills": 0,
        "throttled_percent": round(max(0.0, cpu - 90.0) * 4, 2),
        "network_shared": False,
    }
