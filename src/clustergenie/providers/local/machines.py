"""Make, find and end local machines, on disk and among the processes. For threads; everything may be repeated."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from clustergenie.providers.driver import Machine, Order, Size
from clustergenie.providers.errors import Refused
from clustergenie.providers.local import limits, processes, records, spawn
from clustergenie.providers.local.limits import Limits
from clustergenie.providers.local.network import Network
from clustergenie.providers.local.processes import Seen
from clustergenie.providers.local.records import Intent
from clustergenie.providers.sizes import FREE_SIZES

BACKOFF_SECONDS = 5.0
SIZES = {size.slug: size for size in FREE_SIZES}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What all machines of one installation on this computer have in common."""

    root: Path
    provider: str
    installation: str
    server_url: str
    python: str
    program: Path
    orphan_seconds: float
    limits: Limits

    def state(self, droplet_id: str) -> Path:
        """A droplet's directory."""
        return self.root / droplet_id


def seen(state: Path, spawned: Seen | None = None) -> Seen | None:
    """A droplet's agent: the one that wrote itself down, or that we just started, or that carries the mark."""
    found = processes.recorded(state)
    if found is None and spawned is not None and processes.still(spawned):
        found = spawned
    if found is None:
        found = processes.agent_in(processes.census(state.parent).get(state, []))
    return found


def order(place: Place, network: Network, wish: Order, spawned: Seen | None) -> tuple[Intent, Seen]:
    """The machine of that tag, running: as it is, started again, or new."""
    state = place.state(wish.droplet_id)
    intent = records.intent(state)
    if intent is not None and intent.installation != place.installation:
        raise Refused(f"{wish.droplet_id} belongs to another installation in the same directory.")
    if intent is not None:
        running = seen(state, spawned)
        if running is not None:
            _hand_over(place, state, intent, wish)
            return intent, running
    intent = _intend(place, network, wish, intent)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    records.write(state / records.MACHINE, intent)
    _hand_over(place, state, intent, wish)
    return intent, power_on(place, intent)


def _intend(place: Place, network: Network, wish: Order, before: Intent | None) -> Intent:
    """Decide where the machine will be; a stopped one keeps its place if it is still free."""
    if before is not None and network.free(before.address, before.port):
        address, port = before.address, before.port
    else:
        address, port = network.place(wish.droplet_id)
    groups, held = place.limits.groups(wish.droplet_id), place.limits.describe()
    if before is not None:
        return msgspec.structs.replace(before, address=address, port=port, cgroups=groups, limits=held)
    return Intent(
        installation=place.installation,
        droplet_id=wish.droplet_id,
        name=wish.name,
        cluster_id=wish.cluster_id,
        region=wish.region,
        size=wish.size,
        image=wish.image,
        address=address,
        port=port,
        created_at=datetime.fromtimestamp(time.time(), UTC),
        cgroups=groups,
        limits=held,
    )


def _hand_over(place: Place, state: Path, intent: Intent, wish: Order) -> None:
    """Write what the agent reads when it starts, and again whenever it is refused."""
    bootstrap = wish.bootstrap
    size = SIZES[intent.size]
    content: dict[str, Any] = {
        "server": bootstrap.server,
        "droplet_id": intent.droplet_id,
        "token": bootstrap.token,
        "heartbeat_seconds": bootstrap.heartbeat_seconds,
        "ca_pem": bootstrap.ca_pem,
        "cluster_id": intent.cluster_id,
        "address": intent.address,
        "port": intent.port,
        "scope": "session",
        "size": {"vcpus": size.vcpus, "memory_mb": size.memory_mb, "disk_gb": size.disk_gb},
        "cgroups": intent.cgroups,
        "orphan_seconds": place.orphan_seconds,
        "backoff_seconds": BACKOFF_SECONDS,
    }
    records.write(state / records.BOOTSTRAP, content)


def power_on(place: Place, intent: Intent) -> Seen:
    """Start the agent of a machine that is not running. If another got there first, ours gives way by the lock."""
    state = place.state(intent.droplet_id)
    limits.make(intent.cgroups, SIZES[intent.size])
    (state / records.HALTED).unlink(missing_ok=True)
    if place.server_url:
        records.write(state / records.SERVER, {"server": place.server_url})
    pid = spawn.agent(place.python, place.program, state, intent)
    return processes.look(pid) or Seen(pid, -1)


def destroy(state: Path, grace_seconds: float, spawned: Seen | None = None) -> None:
    """End everything of a machine, then remove its groups and its directory. Gone already is success."""
    intent = records.intent(state)
    cgroups = intent.cgroups if intent is not None else {}

    def find() -> list[Seen]:
        found = processes.members({state: cgroups.values()})
        if spawned is not None and spawned not in found and processes.still(spawned):
            found.append(spawned)  # so young that nothing else tells whose it is
        return found

    processes.end(find, grace_seconds)
    limits.drop(cgroups)
    records.remove(state)


def machine(provider: str, intent: Intent, running: bool) -> Machine:
    """A machine as the driver reports it."""
    return Machine(
        ref=intent.droplet_id,
        droplet_id=intent.droplet_id,
        provider=provider,
        name=intent.name,
        region=intent.region,
        size=intent.size,
        image=intent.image,
        status="running" if running else "stopped",
        address=intent.address,
        port=intent.port,
        created_at=intent.created_at,
        hourly_usd_micros=SIZES[intent.size].hourly_usd_micros if intent.size in SIZES else 0,
        cluster_id=intent.cluster_id,
        limits=intent.limits,
    )


def existing(place: Place, spawned: dict[str, Seen]) -> list[Machine]:
    """Every machine of the installation. One look at each; one pass over all processes only if one seems gone."""
    marked: dict[Path, list[Seen]] | None = None
    found = []
    for state, intent in records.intents(place.root):
        if intent.installation != place.installation:
            continue
        known = spawned.get(intent.droplet_id)
        agent = processes.recorded(state) or (known if known is not None and processes.still(known) else None)
        if agent is None:
            marked = processes.census(place.root) if marked is None else marked
            agent = processes.agent_in(marked.get(state, []))
        found.append(machine(place.provider, intent, agent is not None))
    return found


def sizes() -> list[Size]:
    """What local machines can be."""
    return list(FREE_SIZES)
