"""Give every local droplet its own loopback address and a port that is unique on this computer."""

import os
import socket
import threading
import zlib
from pathlib import Path

from clustergenie.providers.errors import NoCapacity
from clustergenie.providers.local import records

PORTS = range(20_000, 30_000)  # below the ephemeral range, above what needs root
HOSTS = 250
BLOCKS = range(64, 254)


class Network:
    """One installation's block of addresses, chosen at random once, so that two on one computer rarely meet.

    There are as many addresses in it as ports, so that whoever has a port of its own has an address of its own.

    Where only 127.0.0.1 exists (macOS), droplets share it and differ by port.
    """

    def __init__(self, root: Path) -> None:
        kept = records.read(root / "network.json", dict[str, str]) or {}
        block = kept.get("block", "")
        self.block = block if block.count(".") == 1 else f"127.{BLOCKS[os.urandom(1)[0] % len(BLOCKS)]}"
        if not _binds(self._address(0), 0):
            self.block = ""
        if self.block and self.block != block:
            records.write(root / "network.json", {"block": self.block})
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()

    def place(self, droplet_id: str) -> tuple[str, int]:
        """An address and a port for a droplet; which ones follows from its id unless they are taken.

        Raises NoCapacity when there is none left.
        """
        first = zlib.crc32(droplet_id.encode())
        with self._lock:
            ports = set(self._taken.values())
            for offset in range(len(PORTS)):
                slot = (first + offset) % len(PORTS)
                if PORTS[slot] not in ports and _binds(self._address(slot), PORTS[slot]):
                    self._taken[droplet_id] = PORTS[slot]
                    return self._address(slot), PORTS[slot]
        raise NoCapacity(f"All {len(PORTS)} ports for local droplets are taken.")

    def keep(self, droplet_id: str, port: int) -> None:
        """Give this port to nobody else."""
        with self._lock:
            self._taken[droplet_id] = port

    def release(self, droplet_id: str) -> None:
        """The droplet is gone; its place may be given again."""
        with self._lock:
            self._taken.pop(droplet_id, None)

    def free(self, address: str, port: int) -> bool:
        """Whether a place that was given before can be used again."""
        return _binds(address, port)

    def _address(self, slot: int) -> str:
        return f"{self.block}.{1 + slot // HOSTS}.{1 + slot % HOSTS}" if self.block else "127.0.0.1"


def _binds(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
