"""Remember simulated machines across a kill -9: one line per change, appended in one write."""

import os
from pathlib import Path

import msgspec

from clustergenie.platform.errors import CannotStart

SPARE_LINES = 10_000  # what may be out of date in the file before it is written anew


class Vm(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A machine of the simulated cloud, with what its agent keeps on its disk. Times are seconds since the epoch."""

    ref: str
    tag: str
    installation: str
    name: str
    region: str
    size: str
    image: str
    created: float
    boots: float
    nonce: str
    address: str
    cluster_id: str | None = None
    token: str = ""
    credential: str = ""
    heartbeat_seconds: float = 5.0
    stopped: bool = False
    silent: bool = False
    server: str = ""


class _Line(msgspec.Struct, omit_defaults=True):
    put: Vm | None = None
    drop: str = ""


class Journal:
    """An append-only file. What `append` wrote survives the end of this process; it is not synced to the disk.

    Lines of one turn of the event loop could be lost together only if the computer itself went down, and then the
    simulated cloud went down with it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self.machines = self._replay()
        self._file = self._rewrite()

    def _replay(self) -> dict[str, Vm]:
        """The machines as the lines leave them; a line cut off by a crash is as good as not written."""
        machines: dict[str, Vm] = {}
        decoder = msgspec.json.Decoder(_Line)
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return machines
        for number, raw in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
            try:
                line = decoder.decode(raw)
            except msgspec.MsgspecError as error:
                raise CannotStart(f"Line {number} of {self._path} (simulated machines) is damaged: {error}.") from error
            if line.put is not None:
                machines[line.put.ref] = line.put
            else:
                machines.pop(line.drop, None)
        return machines

    def _rewrite(self) -> int:
        """A file of what is true now, and nothing else; its descriptor, for appending."""
        fresh = self._path.with_suffix(".new")
        content = b"".join(self._encoder.encode(_Line(put=vm)) + b"\n" for vm in self.machines.values())
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        fresh.rename(self._path)
        self._lines = len(self.machines)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _append(self, lines: list[_Line]) -> None:
        os.write(self._file, b"".join(self._encoder.encode(line) + b"\n" for line in lines))
        self._lines += len(lines)
        if self._lines > 4 * len(self.machines) + SPARE_LINES:
            os.close(self._file)
            self._file = self._rewrite()

    def put(self, *changed: Vm) -> None:
        """Write down machines as they are now."""
        self._append([_Line(put=vm) for vm in changed])

    def drop(self, ref: str) -> None:
        """Write down that a machine is no more."""
        self._append([_Line(drop=ref)])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
