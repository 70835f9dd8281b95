"""Hear from agents: who they are, how they are, and what they are to do next."""

import datetime as dt
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, select, update

from clustergenie.droplets import service
from clustergenie.droplets.enroll import CREDENTIAL_LIFE, ROTATE_AT, digest, new_credential
from clustergenie.droplets.models import DropletGone, TokenRefused
from clustergenie.droplets.tables import agents, droplets, vitals
from clustergenie.platform.db import Tx
from clustergenie.platform.dialects import Upsert, everything
from clustergenie.platform.errors import Problem

Number = Annotated[float, Meta(ge=0, le=1e18)] | None


class Measured(msgspec.Struct):
    """Percent of the droplet's size, bytes, bytes a second; what could not be measured is null, never invented."""

    cpu: Number = None
    memory: Number = None
    disk: Number = None
    network_in: Number = None
    network_out: Number = None
    memory_bytes: Number = None
    memory_limit_bytes: Number = None
    disk_bytes: Number = None
    load1: Number = None
    processes: Number = None
    oom_kills: Number = None
    throttled_percent: Number = None
    network_shared: bool | None = None


class Beat(msgspec.Struct):
    """One heartbeat."""

    droplet_id: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=2**53)] = 0
    boot_id: Annotated[str, Meta(max_length=64)] = ""
    agent_version: Annotated[str, Meta(max_length=32)] = ""
    uptime_seconds: Number = None
    metrics: Measured = msgspec.field(default_factory=Measured)
    workloads: Annotated[list[dict[str, Any]], Meta(max_length=100)] = []


class Reply(msgspec.Struct):
    """What the agent is to do; a `credential` in it replaces the old one from the next call on."""

    heartbeat_seconds: float
    directive: Literal["run", "drain", "stop"]
    credential: str | None = None
    workloads: list[dict[str, Any]] = []


class Heard(NamedTuple):
    """A heartbeat with the credential it came with."""

    beat: Beat
    credential: str
    heartbeat_seconds: float


_KNOWN = (
    select(droplets, agents.c.credential_hash, agents.c.next_credential_hash, agents.c.credential_expires_at)
    .join(agents, agents.c.droplet_id == droplets.c.id)
    .where(droplets.c.id.in_(bindparam("ids", expanding=True)))
)
_DETAIL = (
    "memory_bytes", "memory_limit_bytes", "disk_bytes", "load1", "processes", "oom_kills", "throttled_percent",
    "network_shared",
)  # fmt: skip
_KEEP = Upsert(vitals, everything(vitals))
_ROTATE = (
    update(agents)
    .where(agents.c.droplet_id == bindparam("b_id"))
    .values(next_credential_hash=bindparam("following"), credential_expires_at=agents.c.credential_expires_at)
)
_ROTATED = (
    update(agents)
    .where(agents.c.droplet_id == bindparam("b_id"))
    .values(credential_hash=bindparam("current"), next_credential_hash=None, credential_expires_at=bindparam("expires"))
)


def heartbeat_many(tx: Tx, heard: Sequence[Heard]) -> "list[Reply | Problem]":
    """Take heartbeats, many at once. A droplet's first one makes it active."""
    rows = {row.id: row for row in tx.execute(_KNOWN, {"ids": [item.beat.droplet_id for item in heard]})}
    answers: list[Reply | Problem] = []
    latest: dict[str, dict[str, Any]] = {}
    arrived: dict[str, Any] = {}
    for item in heard:
        row = rows.get(item.beat.droplet_id)
        answer = _answer(tx, row, item)
        answers.append(answer)
        if isinstance(answer, Reply) and row is not None:
            latest[row.id] = _vitals(item, tx.now)
            if row.status in ("pending", "provisioning") or (row.status == "lost" and row.cluster_id is None):
                arrived[row.id] = row
    if latest:
        _KEEP.run(tx, list(latest.values()))
    service.move(tx, list(arrived.values()), "active", "its agent reports")
    return answers


def _answer(tx: Tx, row: Any, item: Heard) -> "Reply | Problem":
    if row is None:
        return TokenRefused(f"There is no droplet {item.beat.droplet_id} here.")
    given = digest(item.credential)
    following = row.next_credential_hash
    is_current = row.credential_hash is not None and hmac.compare_digest(row.credential_hash, given)
    is_next = following is not None and hmac.compare_digest(following, given)
    if not (is_current or is_next):
        return TokenRefused(f"This is not the credential of {row.id}.")
    if row.status in ("deleting", "deleted", "failed"):
        return DropletGone(f"{row.id} is {row.status}; its agent has nothing left to do.")
    if is_next:
        tx.execute(_ROTATED, {"b_id": row.id, "current": given, "expires": tx.now + CREDENTIAL_LIFE})
    elif tx.now > row.credential_expires_at - (1 - ROTATE_AT) * CREDENTIAL_LIFE:
        # The old one stays good until the new one has been used: the reply that carries it may be lost. One that is
        # past its life is replaced too, not refused: after a long outage of ours the fleet must come back by itself.
        fresh = new_credential()
        tx.execute(_ROTATE, {"b_id": row.id, "following": digest(fresh)})
        return Reply(item.heartbeat_seconds, _directive(row), fresh)
    return Reply(item.heartbeat_seconds, _directive(row))


def _directive(row: Any) -> Literal["run", "drain", "stop"]:
    return "drain" if row.status == "draining" else "run"


def _vitals(item: Heard, now: dt.datetime) -> dict[str, Any]:
    measured = item.beat.metrics
    return {
        "droplet_id": item.beat.droplet_id,
        "last_seen_at": now,
        "heartbeat_seconds": item.heartbeat_seconds,
        "cpu": measured.cpu,
        "memory": measured.memory,
        "disk": measured.disk,
        "network_in": measured.network_in,
        "network_out": measured.network_out,
        "uptime_seconds": item.beat.uptime_seconds,
        "agent_version": item.beat.agent_version,
        "boot_id": item.beat.boot_id,
        "detail": {name: value for name in _DETAIL if (value := getattr(measured, name)) is not None}
        | {"workloads": len(item.beat.workloads)},
    }
