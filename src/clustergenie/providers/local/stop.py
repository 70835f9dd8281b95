"""End every local droplet of a data directory: what stop.sh does, with or without a control plane."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clustergenie.providers.local import limits, processes, records


def stop_all(data_dir: str | os.PathLike[str], grace_seconds: float = 3.0) -> int:
    """End all droplets of this data directory, and leave no process of theirs. Returns how many droplets ran.

    Their files stay: the next control plane over this directory powers them on again, as after a reboot.
    """
    root = records.root_of(data_dir)
    cgroups = {state: intent.cgroups for state, intent in records.intents(root)}
    ran = 0
    for state in cgroups:
        if processes.recorded(state) is not None:
            ran += 1
            with suppress(FileNotFoundError):
                records.write(state / records.HALTED, True)

    def find() -> list[processes.Seen]:
        homes: dict[Path, Iterable[str | int]] = {state: groups.values() for state, groups in cgroups.items()}
        strays = {home: () for home in processes.census(root) if home not in homes}
        return processes.members({**strays, **homes}) if homes or strays else []

    processes.end(find, grace_seconds)
    for groups in cgroups.values():
        limits.drop(groups)
    limits.sweep(limits.probe(root), set())
    return ran
