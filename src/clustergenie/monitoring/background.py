"""What monitoring does by itself every few seconds: take samples, and probe droplets in turn."""

from collections.abc import Sequence
from typing import Any

from clustergenie import clusters, droplets, events, jobs
from clustergenie.monitoring import monitor, prober, sample
from clustergenie.monitoring.intake import TELEMETRY
from clustergenie.monitoring.thresholds import THRESHOLDS
from clustergenie.platform.db import Database, Tx

PROBE_SECONDS = 5.0
PROBES_A_ROUND = 200


class Rounds:
    """Probes active droplets round after round; a fleet that is too large for one round has its turn in several."""

    def __init__(self, db: Database, fleet: droplets.Fleet) -> None:
        self._db = db
        self._prober = prober.of(db, fleet)
        self._after = ""

    async def round(self) -> int:
        """One round; how many probes it made."""
        if not self._prober.reachable:
            return 0
        reachable, simulated = self._prober.reachable, self._prober.simulated
        targets = await self._db.read(_next, reachable, simulated, self._after)
        if not targets and self._after:  # the end of the fleet: begin again
            self._after = ""
            targets = await self._db.read(_next, reachable, simulated, "")
        if not targets:
            return 0
        self._after = targets[-1].place.droplet_id
        outcomes = await self._prober.ask(targets)
        await self._db.write(prober.keep, outcomes)
        return len(outcomes)


def _next(tx: Tx, providers: Sequence[str], simulated: frozenset[str], after: str) -> list[prober.Target]:
    """What to ask next: whole droplets, until the round is full."""
    places = droplets.places(tx, providers, after, PROBES_A_ROUND)
    checks = clusters.checks(tx, sorted({place.cluster_id for place in places if place.cluster_id is not None}))
    found: list[prober.Target] = []
    for place in places:
        more = prober.targets_of(place, checks.get(place.cluster_id or "", []), simulated)
        if found and len(found) + len(more) > PROBES_A_ROUND:
            break
        found += more
    return found


def ticks(db: Database, fleet: droplets.Fleet) -> list[jobs.Tick]:
    """What is to be done every few seconds, by one process."""
    return [
        jobs.Tick("sample", sample.ROUND_SECONDS, sample.Sampler(db).round),
        jobs.Tick("probe", PROBE_SECONDS, Rounds(db, fleet).round),
    ]


def handlers(db: Database, fleet: droplets.Fleet) -> list[jobs.Handler[Any]]:
    """Who does monitoring's jobs."""
    return [monitor.handler(db, fleet)]


def consumers() -> list[events.Consumer]:
    """Who listens to which events."""
    return [TELEMETRY, THRESHOLDS]
