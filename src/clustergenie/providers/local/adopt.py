"""Take over the local machines that an earlier control plane left, in one pass."""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from clustergenie.providers.local import limits, machines, processes, records
from clustergenie.providers.local.machines import Place
from clustergenie.providers.local.processes import Seen

STRAY_GRACE_SECONDS = 0.5


def adopt(place: Place) -> dict[str, Seen]:
    """Take over what runs, tell it where the control plane is, and power on what was halted on purpose or by a reboot.

    Processes whose machine is gone are ended, removals that a crash interrupted are finished. Returns the agents that
    run, by droplet id.
    """
    marked = processes.census(place.root)
    running: dict[str, Seen] = {}
    for state in records.directories(place.root):
        here = marked.pop(state, [])
        intent = records.intent(state)
        if intent is None and not here:
            records.remove(state)  # the crash came before its intent was written
        if intent is None or intent.installation != place.installation:
            continue
        agent = _take_over(place, state, intent, here)
        if agent is not None:
            running[intent.droplet_id] = agent
    for state in marked:
        processes.end(partial(processes.members, {state: ()}), STRAY_GRACE_SECONDS)
    records.sweep(place.root)
    limits.sweep(place.limits, {state.name for state in records.directories(place.root)})
    return running


def _take_over(place: Place, state: Path, intent: records.Intent, here: Iterable[Seen]) -> Seen | None:
    agent = processes.recorded(state) or processes.agent_in(here)
    if agent is None and _halted(state):
        with suppress(OSError):  # what it needs is not there any more: it stays stopped, and is replaced as a lost one
            agent = machines.power_on(place, intent)
        return agent
    if agent is None:
        return None
    if place.server_url:
        records.write(state / records.SERVER, {"server": place.server_url})
    return agent


def _halted(state: Path) -> bool:
    """Whether a machine was stopped for a reason that is over, rather than by a crash of its own."""
    record = records.read(state / records.PROCESS, records.ProcessRecord)
    rebooted = record is not None and record.boot_id != processes.boot_id()
    return rebooted or (state / records.HALTED).exists()
