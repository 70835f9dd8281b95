"""Probe droplets for real: their agents and what their clusters declare, a bounded number at a time."""

import asyncio
import datetime as dt
import weakref
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from clustergenie import clusters, droplets
from clustergenie.monitoring import connect
from clustergenie.monitoring.connect import Answer
from clustergenie.monitoring.plan import AGENT
from clustergenie.monitoring.tables import probes
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.dialects import Upsert

AT_ONCE = 50
FRESH_SECONDS = 1.0
"""An answer that is younger than this is not asked for again by a diagnosis."""
PATIENCE_SECONDS = 3.0
"""How long a diagnosis waits for answers; those that come later are kept for the next one."""
NAME_LIMIT = 200


class Target(NamedTuple):
    """One thing to ask of one droplet; `path` is None for a TCP port."""

    place: droplets.Place
    check: str
    port: int
    path: str | None


class Outcome(NamedTuple):
    """What a target answered."""

    target: Target
    answer: Answer
    at: dt.datetime


def targets_of(place: droplets.Place, checks: Sequence[clusters.Check], simulated: frozenset[str]) -> list[Target]:
    """What there is to ask of a droplet."""
    found = []
    if why_not(place.provider, place.ip_address, place.port, simulated) is None:
        found.append(Target(place, AGENT, place.port or 0, "/healthz"))
    if place.ip_address is not None and place.provider not in simulated:
        found += [Target(place, name_of(check), check.port, _path(check)) for check in checks]
    return found


def why_not(provider: str, address: str | None, port: int | None, simulated: frozenset[str]) -> str | None:
    """Why the agent at this place cannot be probed; None if it can."""
    if provider in simulated:
        return "not probed: simulated, there is no machine behind its address"
    if address is None:
        return "not probed: it has no address yet"
    return "not probed: its agent takes no connections" if port is None else None


def name_of(check: clusters.Check) -> str:
    """A declared check in words: `tcp :5432`, `http :8080/ready`."""
    name = f"{check.type} :{check.port}{_path(check) or ''}"
    return name if len(name) <= NAME_LIMIT else f"{name[:NAME_LIMIT]}…{zlib.crc32(name.encode()):08x}"


def _path(check: clusters.Check) -> str | None:
    return check.path if check.type == "http" else None


def simulated_of(fleet: droplets.Fleet) -> frozenset[str]:
    """The providers whose machines exist in name only."""
    return frozenset(name for name, driver in fleet.drivers.items() if driver.kind == "simulated")


class Prober:
    """Asks droplets how they are. One a process (see `of`), so that the limit on connections is the process's."""

    def __init__(self, db: Database, fleet: droplets.Fleet) -> None:
        self._db = db
        self.simulated = simulated_of(fleet)
        self.reachable = sorted(set(fleet.drivers) - self.simulated)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._looking: dict[str, asyncio.Task[int]] = {}

    async def ask(self, targets: Sequence[Target]) -> list[Outcome]:
        """Ask them all; the answers in the same order."""
        return list(await asyncio.gather(*(self._ask(target) for target in targets)))

    async def _ask(self, target: Target) -> Outcome:
        address = target.place.ip_address or ""
        async with self._gate:
            if target.path is None:
                answer = await connect.tcp(address, target.port)
            else:
                answer = await connect.http(address, target.port, target.path)
        return Outcome(target, answer, now())

    async def look_at(self, cluster_id: str) -> bool:
        """Probe a cluster's droplets now and keep the answers; whether all came within PATIENCE_SECONDS.

        Callers at the same time share one look.
        """
        looking = self._looking.get(cluster_id)
        if looking is None:
            looking = self._looking[cluster_id] = asyncio.create_task(self._look_at(cluster_id))
            looking.add_done_callback(lambda _: self._looking.pop(cluster_id, None))
        done, _ = await asyncio.wait([looking], timeout=PATIENCE_SECONDS)
        for task in done:
            task.result()
        return bool(done)

    async def _look_at(self, cluster_id: str) -> int:
        targets = await self._db.read(targets_of_cluster, cluster_id, self.simulated, FRESH_SECONDS)
        for start in range(0, len(targets), AT_ONCE):
            outcomes = await self.ask(targets[start : start + AT_ONCE])
            await self._db.write(keep, outcomes)
        return len(targets)


_probers: "weakref.WeakKeyDictionary[droplets.Fleet, Prober]" = weakref.WeakKeyDictionary()


def of(db: Database, fleet: droplets.Fleet) -> Prober:
    """The prober of this fleet, which is one a process."""
    if (found := _probers.get(fleet)) is None:
        found = _probers[fleet] = Prober(db, fleet)
    return found


def targets_of_cluster(tx: Tx, cluster_id: str, simulated: frozenset[str], fresh_seconds: float = 0.0) -> list[Target]:
    """What to ask of a cluster's droplets, the longest silent first, but for what was answered a moment ago."""
    fresh = select(probes.c.droplet_id, probes.c.check_name).where(
        probes.c.cluster_id == cluster_id, probes.c.checked_at > tx.now - dt.timedelta(seconds=fresh_seconds)
    )
    known = {(row.droplet_id, row.check_name) for row in tx.execute(fresh)} if fresh_seconds else set()
    checks = clusters.checks(tx, [cluster_id]).get(cluster_id, [])
    found = [target for place in droplets.places_of(tx, cluster_id) for target in targets_of(place, checks, simulated)]
    return [target for target in found if (target.place.droplet_id, target.check) not in known]


def _changes(new: Any) -> dict[str, Any]:
    return {
        **{name: new[name] for name in ("cluster_id", "ok", "verdict", "detail", "latency_ms", "checked_at")},
        "consecutive_failures": case((new.ok, 0), else_=probes.c.consecutive_failures + 1),
        "failing_since": case((new.ok, None), else_=func.coalesce(probes.c.failing_since, new.failing_since)),
    }


_KEEP = Upsert(probes, _changes, newest="checked_at")


def keep(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Note what was answered; an older answer never replaces a younger one."""
    if outcomes:
        _KEEP.run(tx, [_row(outcome) for outcome in outcomes])


def _row(outcome: Outcome) -> dict[str, object]:
    place, answer = outcome.target.place, outcome.answer
    return {
        "droplet_id": place.droplet_id,
        "check_name": outcome.target.check,
        "cluster_id": place.cluster_id,
        "ok": answer.ok,
        "verdict": answer.verdict,
        "detail": answer.detail,
        "latency_ms": answer.latency_ms,
        "checked_at": outcome.at,
        "consecutive_failures": 0 if answer.ok else 1,
        "failing_since": None if answer.ok else outcome.at,
    }
