"""A job that does nothing: it proves that the queue works end to end, and measures it."""

from typing import Any

import msgspec

from clustergenie.jobs.kinds import declare
from clustergenie.jobs.models import Handler, Kind
from clustergenie.jobs.running import Running


class Noop(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


NOOP = declare(Kind("noop", Noop, timeout_seconds=30))


async def run(_job: Running[Noop]) -> dict[str, Any]:
    """Complete."""
    return {}


handler = Handler(NOOP, run)
