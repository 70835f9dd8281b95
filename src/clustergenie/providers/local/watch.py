"""Hear at once when a process ends, ours or not, without asking again and again."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from clustergenie.providers.local import processes
from clustergenie.providers.local.processes import Seen


class Watch:
    """Calls `ended(droplet_id, seen)` on the event loop when a watched process ends (pidfd_open(2), Linux 5.3)."""

    def __init__(self, ended: Callable[[str, Seen], None]) -> None:
        self._ended = ended
        self._watched: dict[str, tuple[Seen, int]] = {}

    def add(self, droplet_id: str, seen: Seen) -> None:
        """Watch a droplet's process; one that has ended already is reported too. Again is fine."""
        before = self._watched.get(droplet_id)
        if before is not None and before[0].pid == seen.pid:
            return
        self.remove(droplet_id)
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(seen.pid)
        except ProcessLookupError:
            loop.call_soon(self._ended, droplet_id, seen)
            return
        except (AttributeError, OSError):
            return  # not this kernel, or no descriptors left: listing machines still finds out
        self._watched[droplet_id] = (seen, descriptor)
        loop.add_reader(descriptor, self._fire, droplet_id)

    def _fire(self, droplet_id: str) -> None:
        seen, _ = self._watched[droplet_id]
        self.remove(droplet_id)
        processes.reap([seen])
        self._ended(droplet_id, seen)

    def remove(self, droplet_id: str) -> None:
        """Stop watching."""
        entry = self._watched.pop(droplet_id, None)
        if entry is not None:
            with suppress(RuntimeError):  # the loop may be closing
                asyncio.get_running_loop().remove_reader(entry[1])
            os.close(entry[1])

    def close(self) -> None:
        """Stop watching everything."""
        for droplet_id in list(self._watched):
            self.remove(droplet_id)
