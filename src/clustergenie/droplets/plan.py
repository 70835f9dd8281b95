"""Compare the droplets we want with the machines there are, and say what to do about it; pure."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

SILENT_HEARTBEATS = 4
"""A slow heartbeat must be missed this often before silence means anything."""
UNLISTED_SECONDS = 10.0
"""A new machine may be missing from lists this long: they are older than our rows, and those of clouds lag."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A droplet as far as reconciliation is concerned."""

    id: str
    status: str
    machine_ref: str | None
    job_is_live: bool
    last_seen_at: dt.datetime | None
    heartbeat_seconds: float
    since: dt.datetime
    cluster_id: str | None = None


class Seen(NamedTuple):
    """A machine as its provider listed it; `ref` tells it from those of other providers too."""

    ref: str
    droplet_id: str
    running: bool


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done: `lost` and `failed` with reasons, machines to `destroy` by ref, droplets to `finish_off`.

    `found` are the machines, by ref, of droplets that work without anybody having noted where.
    `orphans` are machines of ours that no droplet accounts for: shown, and left to a person.
    """

    lost: dict[str, str]
    failed: dict[str, str]
    found: dict[str, str]
    destroy: list[str]
    finish_off: list[str]
    orphans: list[str]


def reconcile(
    rows: Sequence[Row],
    machines: Iterable[Seen],
    deleted: frozenset[str],
    *,
    now: dt.datetime,
    watching_since: dt.datetime,
    lost_after_seconds: float,
) -> Verdict:
    """Level-triggered: from what is, not from what happened. `deleted` are droplet ids whose end was decided."""
    by_droplet: dict[str, list[Seen]] = {}
    for machine in machines:
        by_droplet.setdefault(machine.droplet_id, []).append(machine)
    patience = Patience(now, watching_since, lost_after_seconds)
    lost: dict[str, str] = {}
    failed: dict[str, str] = {}
    found: dict[str, str] = {}
    finish_off: list[str] = []
    for row in rows:
        seen = by_droplet.get(row.id, [])
        if reason := _why_lost(row, seen, patience):
            lost[row.id] = reason
        elif row.status == "active" and row.machine_ref is None and seen:
            found[row.id] = min(seen, key=lambda machine: (not machine.running, machine.ref)).ref
        elif row.status in ("pending", "provisioning") and not row.job_is_live:
            failed[row.id] = "the job that ordered it ended without it"
        elif _to_finish_off(row):
            finish_off.append(row.id)
    known = {row.id: row for row in rows}
    destroy, orphans = _surplus(by_droplet, known, deleted)
    return Verdict(lost=lost, failed=failed, found=found, destroy=destroy, finish_off=finish_off, orphans=orphans)


class Known(Protocol):
    """What `quiet` needs to know of a droplet."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def last_seen_at(self) -> dt.datetime | None: ...


def quiet(rows: Iterable[tuple[Known, str | None]], machines: Sequence[Seen], heard_after: dt.datetime) -> set[str]:
    """Droplets about which `reconcile` has nothing to say: nearly all of a large fleet, told apart cheaply.

    They are active, were heard after that moment, and the one machine with their tag is theirs (given beside the row).
    """
    tags = Counter(machine.droplet_id for machine in machines)
    theirs = {machine.droplet_id: machine.ref for machine in machines if machine.running}
    return {
        row.id
        for row, ref in rows
        if row.status == "active"
        and ref is not None
        and theirs.get(row.id) == ref
        and tags[row.id] == 1
        and row.last_seen_at is not None
        and row.last_seen_at > heard_after
    }


def _to_finish_off(row: Row) -> bool:
    """What was to be deleted and has nobody at it, and what is broken in a cluster, which has another made instead."""
    if row.status in ("draining", "deleting"):
        return not row.job_is_live
    # While its job is at work it is left alone: the job has yet to say that it failed, and why.
    return row.status in ("lost", "failed") and row.cluster_id is not None and not row.job_is_live


class Patience(NamedTuple):
    """The moment, since when anybody has listened, and how long silence is borne."""

    now: dt.datetime
    watching_since: dt.datetime
    lost_after_seconds: float


def _why_lost(row: Row, seen: list[Seen], patience: Patience) -> str | None:
    if row.status != "active" and (row.status != "provisioning" or row.machine_ref is None):
        return None
    if not any(machine.running for machine in seen):
        if not seen and (patience.now - row.since).total_seconds() < UNLISTED_SECONDS:
            return None
        return "its machine is gone" if row.status == "active" else "its machine ended before its agent reported"
    if row.status != "active":
        return None
    # Silence counts only while we were there to listen: after a restart everyone gets a full period again.
    heard = max(row.last_seen_at or row.since, patience.watching_since)
    silence = (patience.now - heard).total_seconds()
    if silence > max(patience.lost_after_seconds, SILENT_HEARTBEATS * row.heartbeat_seconds):
        return f"its machine is there, but its agent has been silent for {silence:.0f} s"
    return None


def _surplus(
    by_droplet: dict[str, list[Seen]], known: dict[str, Row], deleted: frozenset[str]
) -> tuple[list[str], list[str]]:
    destroy: list[str] = []
    orphans: list[str] = []
    for droplet_id, machines in by_droplet.items():
        row = known.get(droplet_id)
        if row is None:
            (destroy if droplet_id in deleted else orphans).extend(machine.ref for machine in machines)
        elif row.machine_ref is not None:
            # One machine per droplet: any other with its tag is a duplicate that nobody will ever use.
            destroy.extend(machine.ref for machine in machines if machine.ref != row.machine_ref)
    return sorted(destroy), sorted(orphans)


def numbered(name: str, first: int, count: int) -> list[str]:
    """`count` names from `first`: `web-007`, `web-008`…"""
    return [f"{name[:240]}-{ordinal:03d}" for ordinal in range(first, first + count)]


def heartbeat_seconds(asked: float, fleet: int, most_per_second: float = 400.0) -> float:
    """How often an agent should report, so that a large fleet does not drown the control plane with small talk."""
    return max(asked, math.ceil(10 * fleet / most_per_second) / 10)


def progress(ordered: int, enrolled: int, wanted: int) -> int:
    """10 when started, 30 when every machine is ordered, 75 when every agent has enrolled."""
    if wanted == 0:
        return 75
    return 10 + int(20 * ordered / wanted) + int(45 * enrolled / wanted)
