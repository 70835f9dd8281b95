"""Ask a control plane for all kinds of things at once, seeded, and remember every promise it made."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.live_server import NOBODY, Api, Reply

MOST_CLUSTERS = 6
MOST_DROPLETS = 90


@dataclass
class Promises:
    """What was answered with 2xx; whatever is in here must be true in the end. For several threads."""

    jobs: list[str] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    droplets: list[str] = field(default_factory=list)
    deleted_clusters: set[str] = field(default_factory=set)
    deleted_droplets: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    keyed: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    asked: int = 0
    unanswered: int = 0

    def keep(self, reply: Reply, what: str) -> None:
        """Note an answer, and whatever it promises."""
        self.answers[f"{what} {reply.status}"] = self.answers.get(f"{what} {reply.status}", 0) + 1
        if reply.status >= 500 and reply.status != 503:
            self.strange.append(f"{what} was answered {reply.status}: {reply.body}")
        if reply.ok and isinstance(reply.body, dict):
            if job := reply.body.get("job"):
                self.jobs.append(job["id"])
            if cluster := reply.body.get("cluster"):
                self.clusters.append(cluster["id"])
            if droplet := reply.body.get("droplet"):
                self.droplets.append(droplet["id"])


class Person(threading.Thread):
    """Somebody who asks for things one after the other, with a random number generator of their own."""

    def __init__(self, api: Api, promises: Promises, seed: int, provider: str, most: int, pause: float) -> None:
        super().__init__(name=f"person {seed}", daemon=True)
        self._api, self._promises, self._provider = api, promises, provider
        self._random = random.Random(seed)
        self._most, self._pause = most, pause
        self._number = seed
        self._given = 0
        self._over = threading.Event()
        self._key: str | None = None

    def stop(self) -> None:
        """Ask for nothing more."""
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._act()
            except NOBODY:
                self._promises.unanswered += 1
                self._over.wait(0.05)
            except Exception as failure:  # noqa: BLE001 - it must not end unnoticed with this thread
                self._promises.strange.append(f"{type(failure).__name__}: {failure}")
            self._over.wait(self._random.uniform(0, self._pause))

    def _act(self) -> None:
        self._promises.asked += 1
        acts: list[tuple[int, Callable[[], None]]] = [
            (10, self._provision), (8, self._scale), (4, self._resize), (6, self._delete_droplet), (5, self._droplet),
            (4, self._cluster), (3, self._delete_cluster), (6, self._cancel), (2, self._retry), (4, self._noop),
        ]  # fmt: skip
        self._random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def _send(self, what: str, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        reply = self._api.send(method, path, body, **more)
        self._promises.keep(reply, what)
        return reply

    # -- what there is, as the server says it; so that a restart of this test needs no memory of its own

    def _clusters(self) -> list[Any]:
        found: list[Any] = self._api.get("/clusters?page_size=100")["clusters"]
        return found

    def _pick(self, kind: str, filters: str = "") -> Any:
        found = self._api.get(f"/{kind}?page_size=100{filters}")[kind]
        return self._random.choice(found) if found else None

    def _room(self) -> int:
        total: int = self._api.get("/droplets?page_size=1")["total"]
        return self._most - total

    def _fresh(self, kind: str) -> str:
        self._given += 1
        return f"{kind}-{self._number}-{self._given}"

    # -- what can be asked for

    def _cluster(self) -> None:
        if len(self._clusters()) < MOST_CLUSTERS:
            wanted = self._random.randint(0, max(0, min(5, self._room())))
            spec = {"name": self._fresh("c"), "wanted_size": wanted, "provider": self._provider}
            self._send("POST /clusters", "POST", "/clusters", spec)

    def _provision(self) -> None:
        cluster, count = self._pick("clusters"), self._random.randint(1, 6)
        if cluster and count <= self._room():
            parameters = {"cluster_id": cluster["id"], "count": count, "provider": self._provider}
            self._send("provision", "POST", "/jobs", {"type": "provision", "parameters": parameters})

    def _scale(self) -> None:
        if (cluster := self._pick("clusters")) is None:
            return
        room = max(0, self._room())
        parameters: dict[str, Any] = {"cluster_id": cluster["id"]}
        if self._random.random() < 0.5:
            parameters["target_size"] = self._random.randint(0, min(12, cluster["wanted_size"] + room))
        else:
            up = room > 4 and self._random.random() < 0.5
            parameters |= {"action": "scale_up" if up else "scale_down", "by": self._random.randint(1, 4)}
        conflict = self._random.choice(["queue", "queue", "reject", "replace"])
        self._send("scale", "POST", "/jobs", {"type": "scale", "parameters": parameters, "on_conflict": conflict})

    def _resize(self) -> None:
        if cluster := self._pick("clusters"):
            wanted = self._random.randint(0, min(8, cluster["wanted_size"] + max(0, self._room())))
            self._send("PUT /clusters", "PUT", f"/clusters/{cluster['id']}", {"wanted_size": wanted})

    def _droplet(self) -> None:
        if self._room() < 1:
            return
        spec: dict[str, Any] = {"name": self._fresh("d"), "provider": self._provider}
        if self._random.random() < 0.7 and (cluster := self._pick("clusters")):
            spec["cluster_id"] = cluster["id"]
        self._send("POST /droplets", "POST", "/droplets", spec)

    def _delete_droplet(self) -> None:
        if droplet := self._pick("droplets"):
            reply = self._send("DELETE /droplets", "DELETE", f"/droplets/{droplet['id']}")
            if reply.status == 202:
                self._promises.deleted_droplets.add(droplet["id"])

    def _delete_cluster(self) -> None:
        clusters = self._clusters()
        if len(clusters) > 2:
            cluster = self._random.choice(clusters)
            how = self._random.choice(["queue", "reject", "replace"])
            reply = self._send("DELETE /clusters", "DELETE", f"/clusters/{cluster['id']}?on_conflict={how}")
            if reply.status == 202:
                self._promises.deleted_clusters.add(cluster["id"])

    def _cancel(self) -> None:
        if job := self._pick("jobs", f"&status={self._random.choice(['pending', 'running', 'running'])}"):
            reply = self._send("cancel", "POST", f"/jobs/{job['id']}/cancel")
            if reply.ok:
                self._promises.cancelled.add(job["id"])

    def _retry(self) -> None:
        if job := self._pick("jobs", f"&status={self._random.choice(['failed', 'cancelled'])}"):
            self._send("retry", "POST", f"/jobs/{job['id']}/retry")

    def _noop(self) -> None:
        """A careful client: it repeats what was not answered, under the same key."""
        self._key = self._key or self._fresh("key")
        reply = self._send("noop", "POST", "/jobs", {"type": "noop"}, headers={"Idempotency-Key": self._key})
        if reply.ok:
            self._promises.keyed.setdefault(self._key, set()).add(reply.body["job"]["id"])
            if self._random.random() < 0.7:
                self._key = None
