"""Where agents report, by HTTP or, for simulated machines, directly: the same door, the same checks."""

from collections.abc import Sequence
from typing import Any

import msgspec

from clustergenie.droplets.enroll import Enroll, Enrolled, enroll_many
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.heartbeat import Beat, Heard, Reply, heartbeat_many
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Malformed, Problem


class Desk:
    """Coalesces what many agents say at once into few transactions."""

    def __init__(self, db: Database, fleet: Fleet) -> None:
        def enroll(tx: Tx, items: list[Enroll]) -> "Sequence[Enrolled | Exception]":
            return enroll_many(tx, items, fleet.heartbeat_seconds)

        self._fleet = fleet
        self._enroll = db.batched(enroll)
        self._beat = db.batched(heartbeat_many)

    async def enroll(self, request: Enroll) -> Enrolled:
        """Let an agent in. Raises TokenRefused, TokenUsed, DropletGone."""
        return await self._enroll(request)

    async def heartbeat(self, beat: Beat, credential: str) -> Reply:
        """Hear from an agent. Raises TokenRefused, DropletGone."""
        return await self._beat(Heard(beat, credential, self._fleet.heartbeat_seconds))

    async def call(self, path: str, body: dict[str, Any], credential: str | None) -> tuple[int, dict[str, Any]]:
        """The agents' API without the network: path, JSON body and credential in, status and JSON body out."""
        try:
            reply: Enrolled | Reply
            if path.endswith("/enroll"):
                reply = await self.enroll(msgspec.convert(body, Enroll))
            elif path.endswith("/heartbeat"):
                reply = await self.heartbeat(msgspec.convert(body, Beat), credential or "")
            else:
                raise Malformed(f"{path} is not a path of the agents' API.")
        except Problem as problem:
            return problem.status, {"detail": problem.detail, "type": problem.type_name()}
        except msgspec.ValidationError as error:
            return 422, {"detail": str(error), "type": "invalid"}
        return 200, msgspec.to_builtins(reply)
