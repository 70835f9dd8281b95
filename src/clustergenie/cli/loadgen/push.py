"""Send the plan over a number of connections, each request when it is due or as soon after as a connection is free."""

import asyncio
import time
from collections.abc import Iterator

from clustergenie.cli import output
from clustergenie.cli.loadgen.plan import DIAGNOSIS, Shot
from clustergenie.cli.loadgen.tally import Tally
from clustergenie.cli.loadgen.wire import Target, Wire

PATIENCE_SECONDS = 30.0


def request_of(shot: Shot) -> tuple[str, dict[str, object]]:
    """The path and the body of a shot."""
    about = {"cluster_id": shot.cluster_id}
    if shot.kind == DIAGNOSIS:
        return "/diagnosis/diagnose", dict(about)
    if shot.kind == "noop":
        return "/jobs", {"type": "noop", "parameters": {}}
    if shot.kind == "scale":
        return "/jobs", {"type": "scale", "parameters": {**about, "action": "scale_up", "by": 1}}
    return "/jobs", {"type": shot.kind, "parameters": about}


async def push(plan: Iterator[Shot], target: Target, connections: int, tally: Tally) -> float:
    """Run the plan; returns how many seconds it took until the last answer."""
    started = time.monotonic()
    watcher = asyncio.create_task(_report(tally, started))
    try:
        await asyncio.gather(*(_lane(plan, Wire(target, PATIENCE_SECONDS), started, tally) for _ in range(connections)))
    finally:
        watcher.cancel()
    return time.monotonic() - started


async def _lane(plan: Iterator[Shot], wire: Wire, started: float, tally: Tally) -> None:
    for shot in plan:  # one iterator for all lanes: whoever is free takes what is due next
        due = started + shot.due
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        path, body = request_of(shot)
        try:
            status = await wire.post(path, body)
        except (OSError, TimeoutError) as lost:
            tally.lost(shot.kind, str(lost) or type(lost).__name__)
        else:
            tally.answered(shot.kind, status, time.monotonic() - due)
    wire.close()


async def _report(tally: Tally, started: float) -> None:
    while True:
        await asyncio.sleep(1)
        output.note(tally.line(time.monotonic() - started))
