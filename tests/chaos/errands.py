"""Ask for a number of mixed jobs over given clusters, seeded, as careful clients who repeat what got no answer."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import Service

CLIENTS = 6
SMALLEST, LARGEST = 0, 8
WEIGHTS = {"noop": 45, "diagnose": 10, "monitor": 10, "scale": 20, "provision": 15}


@dataclass
class Errands:
    """What was asked for and promised. For several threads."""

    jobs: dict[str, str] = field(default_factory=dict)
    """By key: the job it led to."""
    kinds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Client(threading.Thread):
    """Asks for its share, one after the other."""

    def __init__(
        self, service: Service, errands: Errands, clusters: list[str], number: int, share: int, seed: int
    ) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._service, self._errands, self._clusters = service, errands, clusters
        self._number, self._share = number, share
        self._random = random.Random(f"{seed}-{number}")
        self.pause = 0.0

    def run(self) -> None:
        for n in range(self._share):
            try:
                self._ask(n)
            except Exception as failure:  # noqa: BLE001 - it must not end unnoticed with this thread
                self._errands.faults.append(f"client {self._number}: {type(failure).__name__}: {failure}")
            time.sleep(self._random.uniform(0, 2 * self.pause))

    def _ask(self, n: int) -> None:
        kind = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        key = f"errand-{self._number}-{n}"
        wish = {"type": kind, "parameters": self._parameters(kind)}
        first = self._random.randint(0, 1)
        reply = self._service.send("POST", "/jobs", wish, key=key, first=first)
        if reply is None:
            return
        if not reply.ok:
            self._errands.refused[f"{kind} {reply.status} {str(reply.body)[:160]}"] += 1
            return
        job_id = reply.body["job"]["id"]
        self._errands.kinds[kind] += 1
        self._errands.jobs[key] = job_id
        if self._random.random() < 0.1:  # asked twice, of the other replica
            again = self._service.send("POST", "/jobs", wish, key=key, first=first + 1)
            if again is not None and (not again.ok or again.body["job"]["id"] != job_id):
                self._errands.faults.append(f"the key {key} led to {job_id}, and then to {again.status} {again.body}")
        if self._random.random() < 0.3:  # what was accepted can be read from either
            seen = self._service.send("GET", f"/jobs/{job_id}", first=first + 1)
            if seen is not None and not seen.ok:
                self._errands.faults.append(f"{job_id} was accepted, and then answered {seen.status} {seen.body}")

    def _parameters(self, kind: str) -> dict[str, Any]:
        cluster = self._random.choice(self._clusters)
        if kind == "noop":
            return {}
        if kind == "scale":
            return {"cluster_id": cluster, "target_size": self._random.randint(SMALLEST, LARGEST)}
        if kind == "provision":
            return {"cluster_id": cluster, "count": 1}
        return {"cluster_id": cluster}


def make_clusters(service: Service, count: int) -> list[str]:
    """Clusters of two droplets each; a repetition that finds its own name taken is as good as an answer."""
    found: list[str] = []
    for n in range(count):
        reply = service.send("POST", "/clusters", {"name": f"fleet-{n}", "wanted_size": 2, "provider": "simulated"})
        assert reply is not None
        assert reply.ok or reply.status == 409, reply
    listed = service.send("GET", "/clusters?page_size=100")
    assert listed is not None
    found = [cluster["id"] for cluster in listed.body["clusters"] if cluster["name"].startswith("fleet-")]
    assert len(found) == count, found
    return found
