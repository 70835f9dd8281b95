"""Where the demo speaks: each act says what it does and how to do it by hand."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from clustergenie.cli import output
from clustergenie.cli.failures import Failed

T = TypeVar("T")


class Stage:
    """Numbers the acts, and remembers what was seen for the last page."""

    def __init__(self, server: str, *, aside: bool) -> None:
        self._tell = output.note if aside else output.data  # aside: stdout is kept for the JSON report
        self.api = f"{server}/api/v1"
        self._act = 0
        self._started = time.monotonic()
        self.seen: list[dict[str, Any]] = []

    def act(self, title: str, command: str, curl: str | None = None) -> None:
        """Announce what comes now, with its command line and its curl."""
        self._act += 1
        self._tell(f"\n{output.paint(f'{self._act}. {title}', 'bold')}")
        self._tell(output.paint(f"   $ clustergenie {command}", "cyan"))
        if curl:
            self._tell(output.paint(f"   $ {curl}", "dim"))
        output.flush()

    def say(self, text: str) -> None:
        """One or more lines below the act."""
        self._tell("\n".join(f"   {line}" for line in text.splitlines()))
        output.flush()

    def noted(self, what: str, seconds: float, fact: str) -> None:
        """Remember a result, and show it."""
        self.seen.append({"act": what, "seconds": round(seconds, 2), "fact": fact})
        self.say(f"{fact} ({seconds:.1f} s)")

    def curl(self, method: str, path: str, body: object = None) -> str:
        """The curl line of a call."""
        verb = "" if method == "GET" else f"-X {method} "
        data = "" if body is None else f" -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
        return f"curl -s {verb}{self.api}{path}{data}"

    def elapsed(self) -> float:
        """Seconds since the curtain rose."""
        return time.monotonic() - self._started


def until(look: Callable[[], T | None], patience: float, what: str, pause: float = 0.25) -> tuple[T, float]:
    """Look again and again until there is something to see; returns it and how long it took. Raises Failed."""
    started = time.monotonic()
    while (seen := look()) is None:
        if time.monotonic() - started > patience:
            raise Failed(f"{what} did not happen within {patience:g} s.")
        time.sleep(pause)
    return seen, time.monotonic() - started


def visit(address: str, port: int) -> str:
    """What a droplet itself answers on its own address."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/")
        reply = connection.getresponse()
        return f"{reply.status} {reply.read(400).decode(errors='replace').strip()}"
    except OSError as reason:
        raise Failed(f"The droplet does not answer on http://{address}:{port}/: {reason}.") from reason
    finally:
        connection.close()
