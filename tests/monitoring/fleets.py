"""Open a database with clusters and droplets in any state, and servers that answer, hang or refuse."""

import asyncio
import contextlib
import datetime as dt
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from clustergenie import clusters, droplets
from clustergenie.droplets import tables
from clustergenie.platform import ids
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.providers import LocalDriver, SimulatedDriver
from tests import databases

TRACE = "ab" * 16
_names = itertools.count(1)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """A started database with every table, whose sink is the log."""
    databases.prepare(path)
    droplets.plug(clusters.Members())
    async with databases.running(path) as db:
        yield db


def fleet(path: Path, *, listening_seconds: float = 3600.0) -> droplets.Fleet:
    """A fleet of a local and a simulated provider that has been listening for a while."""
    local, simulated = LocalDriver("local", path, "i", "http://127.0.0.1:1"), SimulatedDriver("simulated", "i")
    made = droplets.Fleet(
        {"local": local, "simulated": simulated},
        installation_id="i",
        tokens=droplets.Tokens(b"x" * 32),
        server_url="http://127.0.0.1:1",
        default_provider="local",
        heartbeat_seconds=2.0,
        lost_after_seconds=20.0,
    )
    made.listening_since = now() - dt.timedelta(seconds=listening_seconds)
    return made


def cluster(tx: Tx, name: str = "web", *checks: clusters.Check) -> str:
    """A new cluster."""
    return clusters.create(tx, clusters.ClusterSpec(name, checks=list(checks))).id


def droplet(tx: Tx, cluster_id: str | None, status: str = "active", **more: Any) -> str:
    """A droplet in that status; an active one has just reported. `seen_ago` and `metrics` say what it last said."""
    moment = tx.now - dt.timedelta(seconds=more.pop("age", 120))
    seen_ago, metrics = more.pop("seen_ago", 0.5), dict(more.pop("metrics", {}))
    name = more.pop("name", f"web-{next(_names):03d}")
    row = {
        "id": ids.droplet_id(moment),
        "cluster_id": cluster_id,
        "name": name,
        "live_name": None,
        "region": "local",
        "provider": "local",
        "size": "s-1vcpu-1gb",
        "image": "ubuntu-24-04-x64",
        "status": status,
        "status_reason": "for a test",
        "ip_address": "127.0.0.1",
        "port": 9,
        "machine_ref": None,
        "hourly_usd_micros": 0,
        "job_id": None,
        "trace_id": TRACE,
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
        **more,
    }
    tx.execute(insert(tables.droplets).values(row))
    if seen_ago is not None:
        tx.execute(insert(tables.vitals).values(_vitals(row["id"], tx.now - dt.timedelta(seconds=seen_ago), metrics)))
    return row["id"]


def _vitals(droplet_id: str, seen: dt.datetime, metrics: dict[str, Any]) -> dict[str, Any]:
    measured = {"cpu": 1.0, "memory": 10.0, "disk": 5.0, "network_in": 0.0, "network_out": 0.0}
    others = {name: metrics.pop(name) for name in list(metrics) if name not in measured}
    detail: dict[str, Any] = {"memory_limit_bytes": 1 << 30, **others}
    version = detail.pop("agent_version", "1")
    rest = {"uptime_seconds": 60.0, "boot_id": "b", "agent_version": version, "detail": detail}
    return {
        "droplet_id": droplet_id,
        "last_seen_at": seen,
        "heartbeat_seconds": 2.0,
        **measured,
        **metrics,
        **rest,
    }


def reports(tx: Tx, droplet_id: str, **said: Any) -> None:
    """The droplet's agent speaks now."""
    detail = said.pop("detail", {})
    values = {"last_seen_at": tx.now, "detail": detail, **said}
    tx.execute(update(tables.vitals).where(tables.vitals.c.droplet_id == droplet_id).values(values))


@asynccontextmanager
async def answering(reply: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") -> AsyncIterator[int]:
    """The port of a server that gives this reply to each first line, or closes at once for an empty one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if reply:
                await reader.readline()
                writer.write(reply)
                await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@contextlib.contextmanager
def hanging() -> Iterator[int]:
    """The port of a process that is stopped: the kernel accepts connections, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
