"""Hold a data directory to what must be true of it, whatever its control plane went through."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from clustergenie.providers.local import processes, records
from tests.chaos.traffic import Promises

Row = sqlite3.Row
LIVE_JOBS = ("scheduled", "ready", "running")
TERMINAL = {
    "job": {"job_completed", "job_failed", "job_cancelled"},
    "droplet": {"droplet_deleted"},
    "cluster": {"cluster_deleted"},
}


class Machine(NamedTuple):
    """A machine as its provider has it: the far side, which knows nothing of rows."""

    ref: str
    tag: str
    running: bool


class Snapshot:
    """Everything a data directory holds at one moment."""

    one_writer = True
    """Then the moments of a subject's events are in order too. Else a transaction's moment is that of its beginning,
    and one that began earlier may have waited for the subject's row: `seq` is the order."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        with closing(sqlite3.connect(data_dir / "clustergenie.db", timeout=10)) as db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")
            self.jobs = self._by_id(db, "jobs")
            self.droplets = self._by_id(db, "droplets")
            self.clusters = self._by_id(db, "clusters")
            self.events = list(db.execute("SELECT * FROM events ORDER BY id"))
            self.attempts = list(db.execute("SELECT * FROM job_attempts"))
            self.keys = list(db.execute("SELECT * FROM idempotency_keys"))
        self.simulated = list(simulated_machines(data_dir))
        self.local = list(local_machines(data_dir))

    @staticmethod
    def _by_id(db: sqlite3.Connection, table: str) -> dict[str, Row]:
        return {row["id"]: row for row in db.execute(f"SELECT * FROM {table}")}  # noqa: S608 - a name of ours

    @property
    def machines(self) -> list[Machine]:
        return [*self.simulated, *self.local]


def simulated_machines(data_dir: Path) -> Iterator[Machine]:
    """The machines in the simulated cloud's file, read without its own code."""
    path = data_dir / "simulated" / "machines.jsonl"
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_bytes().splitlines() if path.exists() else []:
        change = json.loads(line)
        if "put" in change:
            found[change["put"]["ref"]] = change["put"]
        else:
            found.pop(change["drop"], None)
    for ref, vm in found.items():
        yield Machine(ref, vm["tag"], not vm.get("stopped", False))


def local_machines(data_dir: Path) -> Iterator[Machine]:
    """The local droplets that have a directory."""
    for state, intent in records.intents(records.root_of(data_dir)):
        yield Machine(state.name, intent.droplet_id, processes.recorded(state) is not None)


def unsettled(now: Snapshot) -> list[str]:
    """What still has to happen before the verdict; empty when everything has come to rest."""
    waiting = [f"{row['id']} is {row['state']}" for row in now.jobs.values() if row["state"] in LIVE_JOBS]
    for row in now.droplets.values():
        resting = ("active", "deleted") if row["cluster_id"] else ("active", "deleted", "failed", "lost")
        if row["status"] not in resting:
            waiting.append(f"{row['id']} of {row['cluster_id']} is {row['status']}: {row['status_reason']}")
    restless = [row for row in now.clusters.values() if row["status"] not in ("empty", "healthy", "deleted")]
    waiting += [f"{row['id']} is {row['status']}: {row['health']}" for row in restless]
    # The row is brought up to date by the next round over all clusters; what is shown is counted anew.
    there = Counter(row["cluster_id"] for row in now.droplets.values() if row["status"] == "active")
    late = [row for row in now.clusters.values() if row["status"] == "healthy" and row["active"] != there[row["id"]]]
    waiting += [f"{row['id']} has yet to count its droplets: {row['health']}" for row in late]
    tags = {row["id"] for row in now.droplets.values() if row["status"] != "deleted"}
    waiting += [f"machine {one.ref} of {one.tag} is still there" for one in now.machines if one.tag not in tags]
    return waiting


def faults(now: Snapshot, promises: Promises) -> list[str]:
    """Every sentence is a promise broken."""
    return [
        *promises.strange,
        *_broken_promises(now, promises),
        *_machines(now),
        *_droplets(now),
        *_clusters(now),
        *_events(now),
        *_orders(now),
        *_processes(now),
    ]


def _broken_promises(now: Snapshot, promises: Promises) -> Iterator[str]:
    there = now.jobs | now.droplets | now.clusters
    for ident in [*promises.jobs, *promises.droplets, *promises.clusters]:
        if ident not in there:
            yield f"{ident} was accepted, and is not there"
    status = {ident: row["status"] for ident, row in (now.droplets | now.clusters).items()}
    for ident in sorted(promises.deleted_droplets | promises.deleted_clusters):
        if status.get(ident) != "deleted":
            yield f"the deletion of {ident} was accepted, but it is {status.get(ident)}"
    for row in (job for job in now.jobs.values() if job["state"] in LIVE_JOBS):
        yield f"{row['id']} has not ended: {row['state']}, {row['message']}"
    for key, ids_of_key in promises.keyed.items():
        if len(ids_of_key) != 1:
            yield f"the Idempotency-Key {key} led to {sorted(ids_of_key)}"


def _machines(now: Snapshot) -> Iterator[str]:
    for tag, count in Counter(one.tag for one in now.machines).items():
        row = now.droplets.get(tag)
        if row is None or row["status"] == "deleted":
            yield f"leak: {count} machines of {tag}, whose droplet is {row['status'] if row else 'unknown'}"
        if count > 1:
            yield f"duplicate: {count} machines of {tag}"


def _droplets(now: Snapshot) -> Iterator[str]:
    running = {one.tag: one.ref for one in now.machines if one.running}
    for row in now.droplets.values():
        if row["status"] == "active" and running.get(row["id"]) != row["machine_ref"]:
            yield f"{row['id']} is active on {row['machine_ref']}, but its machine is {running.get(row['id'])}"
        if row["status"] == "deleted" and row["live_name"] is not None:
            yield f"{row['id']} is deleted and keeps its name"
    alive = [row for row in now.droplets.values() if row["status"] != "deleted" and row["cluster_id"] is not None]
    for (cluster_id, name), count in Counter((row["cluster_id"], row["name"]) for row in alive).items():
        if count > 1:
            yield f"{count} live droplets of {cluster_id} are named {name!r}"


def _clusters(now: Snapshot) -> Iterator[str]:
    for row in now.clusters.values():
        there = [one for one in now.droplets.values() if one["cluster_id"] == row["id"] and one["status"] != "deleted"]
        active = [one for one in there if one["status"] == "active"]
        tags = {one["id"] for one in there}
        machines = [one for one in now.machines if one.tag in tags]
        if row["status"] == "deleted":
            if there or machines or row["active"] or row["live_name"] is not None:
                yield f"{row['id']} is deleted, but has {len(there)} droplets and {len(machines)} machines"
            continue
        counts = (row["wanted_size"], row["active"], len(there), len(active), len(machines))
        if len(set(counts)) != 1:
            yield f"{row['id']}: wanted, active, rows, active rows, machines = {counts}"


def _events(now: Snapshot) -> Iterator[str]:
    streams: dict[str, list[Row]] = {}
    for event in now.events:
        streams.setdefault(event["key"], []).append(event)
    for kind, rows in (("job", now.jobs), ("droplet", now.droplets), ("cluster", now.clusters)):
        for ident, row in rows.items():
            events = streams.pop(ident, [])
            yield from _order(ident, row, events, in_time=now.one_writer)
            yield from _endings(kind, ident, row, events)
    for key in streams:
        if key.startswith(("job-", "droplet-", "cluster-")):
            yield f"there are events of {key}, which is not there"


def _order(ident: str, row: Row, events: list[Row], *, in_time: bool) -> Iterator[str]:
    seqs = [event["seq"] for event in events]
    if seqs != list(range(1, len(seqs) + 1)):
        yield f"the events of {ident} have seq {seqs}"
    if not seqs or seqs[-1] != row["version"]:
        yield f"{ident} is at version {row['version']}, its last event at {seqs[-1:]}"
    moments = [event["timestamp"] for event in events]
    if in_time and moments != sorted(moments):
        yield f"the events of {ident} are not in order of time"


def _endings(kind: str, ident: str, row: Row, events: list[Row]) -> Iterator[str]:
    ended = row["state"] not in LIVE_JOBS if kind == "job" else row["status"] == "deleted"
    types = [event["type"] for event in events]
    places = [place for place, name in enumerate(types) if name in TERMINAL[kind]]
    # A person may have a job tried again that had ended: each end but the last is then followed by that.
    repeats = sum(1 for event in events if event["message"] == "queued again on request")
    if len(places) != (1 if ended else 0) + repeats:
        yield f"{ident} (ended: {ended}) has the ends {[types[at] for at in places]}"
    if ended and (not places or places[-1] != len(types) - 1):
        yield f"the last event of {ident} is {types[-1:]}"
    if kind == "job" and ended and places:
        expected = {"completed": "job_completed", "cancelled": "job_cancelled"}.get(row["state"], "job_failed")
        if types[-1] != expected:
            yield f"{ident} is {row['state']}, but its last event is {types[-1]}"


def _orders(now: Snapshot) -> Iterator[str]:
    """A job that completed made exactly what it was asked for, however often it was begun."""
    created = Counter(event["job_id"] for event in now.events if event["type"] == "droplet_created" and event["job_id"])
    begun_anew = {event["key"] for event in now.events if event["message"] == "queued again on request"}
    for ident, row in now.jobs.items():
        if ident in begun_anew:  # its first orders were undone when it was cancelled
            continue
        wanted = json.loads(row["parameters"])
        count = wanted.get("count", 1)
        if row["type"] == "provision" and "droplet_id" not in wanted and created[ident] not in (0, count):
            yield f"{ident} was to make {count} droplets, and made {created[ident]}"
        # A later attempt makes up for what was deleted since the first.
        if row["type"] in ("scale", "heal") and row["state"] == "completed" and row["attempt"] == 1:
            result = json.loads(row["result"])
            if created[ident] != result["added"]:
                yield f"{ident} says that it added {result['added']}, and made {created[ident]}"
    wins = Counter(row["job_id"] for row in now.attempts if row["outcome"] == "completed")
    for ident, count in wins.items():
        if count > 1:
            yield f"{ident} was completed {count} times"


def _processes(now: Snapshot) -> Iterator[str]:
    """Local droplets only: no process without a droplet."""
    homes = {now.data_dir.resolve() / "local" / one.ref for one in now.local}
    for home, found in processes.census(records.root_of(now.data_dir)).items():
        if home not in homes:
            yield f"leak: processes {[one.pid for one in found]} of {home.name}, which has no directory"
