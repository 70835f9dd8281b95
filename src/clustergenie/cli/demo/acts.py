"""The acts of the demo, in order. Everything in them is real: machines, processes, addresses, load and death."""

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clustergenie.cli import follow
from clustergenie.cli.demo.stage import Stage, until, visit
from clustergenie.cli.failures import Failed
from clustergenie.cli.follow import Waiting
from clustergenie.cli.formats import render
from clustergenie.cli.health import describe
from clustergenie.cli.server import borrow
from clustergenie.cli.tables import DROPLET
from clustergenie.client import Client, Cluster, Droplet, NotFound

BURN_SECONDS = 20
RISE_PERCENT = 25.0
BURN = ["timeout", str(BURN_SECONDS), "sh", "-c", "while :; do :; done"]
# The agent is killed from inside its own droplet, where its pid is written down, so that no other can be hit.
KILL = ["sh", "-c", "kill -9 $(grep -o '\"pid\": *[0-9]*' $CG_STATE_DIR/process.json | tr -dc 0-9)"]
WATCH = Waiting(watch=True, timeout="2m")


class Story:
    """One run of the demo: the cluster it made, and what it needs to act on it."""

    def __init__(self, client: Client, stage: Stage, name: str, data_dir: Path | None) -> None:
        self.client, self.stage, self.name, self.data_dir = client, stage, name, data_dir
        self.cluster_id = ""

    def active(self) -> list[Droplet]:
        """The droplets that work."""
        return list(
            self.client.droplets.list(cluster_id=self.cluster_id, status="active", sort_by="name", sort_dir="asc")
        )

    def create(self) -> None:
        """A cluster, empty."""
        body = {"name": self.name, "region": "nyc3"}
        self.stage.act(
            "Create a cluster", f"cluster create {self.name} --region nyc3", self.stage.curl("POST", "/clusters", body)
        )
        self.cluster_id = self.client.clusters.create(**body)["cluster"]["id"]
        self.stage.say(self.cluster_id)

    def provision(self, count: int) -> None:
        """Real machines, with their progress."""
        body = {"type": "provision", "parameters": {"cluster_id": self.cluster_id, "count": count}}
        self.stage.act(
            f"Provision {count} droplets and watch",
            f"cluster provision {self.name} --count {count} --watch",
            self.stage.curl("POST", "/jobs", body),
        )
        started = time.monotonic()
        job = self.client.clusters.provision(self.cluster_id, count=count)["job"]
        follow.settle(follow.job(self.client, job["id"], WATCH, title="provision"))
        until(lambda: len(self.active()) >= count or None, 30, "The droplets' becoming active")
        self.stage.noted("provision", time.monotonic() - started, f"{count} droplets are active")

    def show(self) -> None:
        """Who they are, and that each answers for itself."""
        path = f"/droplets?cluster_id={self.cluster_id}"
        self.stage.act("Look at them", f"droplet list --cluster {self.name}", f"curl -s '{self.stage.api}{path}'")
        found = self.active()
        self.stage.say(render("table", DROPLET.pick(wide=False), found, header=True))
        for droplet in found:
            address, port = droplet.get("ip_address"), droplet.get("port")
            if address and port:
                self.stage.say(f"$ curl http://{address}:{port}/\n{visit(address, port)}")

    def burn(self) -> None:
        """Load inside one droplet shows up in its metrics."""
        victim = self.active()[0]
        self.stage.act(
            f"Burn CPU inside {victim['name']} and see it in its metrics",
            f"droplet exec {victim['name']} --detach -- {shlex.join(BURN)}",
            self.stage.curl("GET", f"/droplets/{victim['id']}"),
        )
        before = _cpu(victim)
        self._inside(victim, BURN, detach=True)

        def hot() -> float | None:
            cpu = _cpu(self.client.droplets.get(victim["id"])["droplet"])
            return cpu if cpu >= before + RISE_PERCENT else None

        cpu, seconds = until(hot, BURN_SECONDS + 8, "The rise of the droplet's CPU")
        self.stage.noted("burn", seconds, f"cpu rose from {before:.0f}% to {cpu:.0f}%")

    def scale(self, size: int) -> None:
        """More of them."""
        body = {"type": "scale", "parameters": {"cluster_id": self.cluster_id, "target_size": size}}
        self.stage.act(
            f"Scale to {size}", f"cluster scale {self.name} {size} --watch", self.stage.curl("POST", "/jobs", body)
        )
        started = time.monotonic()
        job = self.client.clusters.scale(self.cluster_id, size)["job"]
        follow.settle(follow.job(self.client, job["id"], WATCH, title="scale"))
        until(lambda: len(self.active()) == size or None, 30, f"A size of {size}")
        self.stage.noted("scale", time.monotonic() - started, f"{size} droplets are active")

    def kill(self) -> None:
        """A machine dies; the cluster heals."""
        before = {droplet["id"]: droplet for droplet in self.active()}
        victim = next(iter(before.values()))
        self.stage.act(
            f"Kill the machine of {victim['name']} and watch the cluster heal",
            f"droplet exec {victim['name']} -- {shlex.join(KILL)}",
            self.stage.curl("GET", f"/health/{self.cluster_id}"),
        )
        self._inside(victim, KILL, detach=False)

        def noticed() -> str | None:
            now = self.client.droplets.get(victim["id"])["droplet"]
            if now["status"] == "active":
                return None
            return f"{victim['name']} is {now['status']}: {now.get('status_reason') or 'no reason given'}"

        words, seconds = until(noticed, 60, "The notice of the death")
        self.stage.noted("death noticed", seconds, words)
        _, seconds = until(lambda: (self._healthy() and len(self.active()) == len(before)) or None, 60, "The healing")
        self.stage.noted("healed", seconds, f"{len(before)} droplets are active again")

    def _healthy(self) -> bool:
        return self.client.clusters.get(self.cluster_id)["cluster"]["status"] == "healthy"

    def diagnose(self) -> None:
        """What the rules make of it all."""
        body = {"cluster_id": self.cluster_id}
        self.stage.act(
            "Ask what is wrong", f"diagnose {self.name}", self.stage.curl("POST", "/diagnosis/diagnose", body)
        )
        self.stage.say(describe(self.client.clusters.diagnose(self.cluster_id)))

    def delete(self) -> None:
        """Nothing is left."""
        path = f"/clusters/{self.cluster_id}"
        self.stage.act(
            "Delete the cluster", f"cluster delete {self.name} --yes --watch", self.stage.curl("DELETE", path)
        )
        started = time.monotonic()
        remove(self.client, self.cluster_id)
        until(lambda: self._gone() or None, 60, "The end of the droplets")
        self.stage.noted("delete", time.monotonic() - started, "the cluster and its machines are gone")

    def _gone(self) -> bool:
        left = self.client.droplets.list(cluster_id=self.cluster_id)
        return all(droplet["status"] == "deleted" for droplet in left)

    def _inside(self, droplet: Mapping[str, Any], program: list[str], *, detach: bool) -> None:
        if self.data_dir is None:
            raise Failed("The droplets' machines are not on this computer.")
        if detach:
            borrow("enter_detached")(self.data_dir, droplet["id"], program)
        elif code := borrow("enter")(self.data_dir, droplet["id"], program):
            raise Failed(f"{shlex.join(program)} inside {droplet['name']} exited {code}.")


def _cpu(droplet: Droplet) -> float:
    return float((droplet.get("metrics") or {}).get("cpu") or 0.0)


def remove(client: Client, cluster_id: str) -> Cluster | None:
    """Delete a cluster whatever is under way in it, and see it end."""
    try:
        reply = client.clusters.delete(cluster_id, on_conflict="replace")
        if job := reply.get("job"):
            follow.settle(follow.job(client, job["id"], WATCH, title="delete"))
    except NotFound:
        return None
    return reply["cluster"]
