"""Note logins that failed, without letting whoever fails fill the audit trail."""

import time
from collections import OrderedDict

import msgspec

from clustergenie.auth.audit import Entry, audit_many
from clustergenie.auth.principal import ANONYMOUS, Actor, acting
from clustergenie.platform import telemetry
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem

WINDOW_SECONDS = 60.0
OF_ONE_ADDRESS = 10
OF_ALL = 60
ADDRESSES = 1_000


class Refusals:
    """Keeps the first few of each minute, of each address and of all; the next one kept tells how many were not."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._window = 0.0
        self._of_all = 0
        self._of_one: OrderedDict[str, int] = OrderedDict()
        self._unsaid = 0

    async def note(self, action: str, problem: Problem, address: str) -> None:
        """Somebody was not let in."""
        telemetry.refusals.labels("login").inc()
        if not self._admits(address, time.monotonic()):
            self._unsaid += 1
            return
        unsaid, self._unsaid = self._unsaid, 0
        actor = acting() or Actor(ANONYMOUS, address, "", "")
        actor = msgspec.structs.replace(actor, principal=ANONYMOUS)
        after = {"why": problem.type_name(), **({"unsaid_before": unsaid} if unsaid else {})}
        await self._db.write(_write, [Entry(actor, action, address, None, None, after)])

    def _admits(self, address: str, moment: float) -> bool:
        if moment - self._window >= WINDOW_SECONDS:
            self._window, self._of_all = moment, 0
            self._of_one.clear()
        count = self._of_one.pop(address, 0) + 1
        self._of_one[address] = count
        if len(self._of_one) > ADDRESSES:
            self._of_one.popitem(last=False)
        if count > OF_ONE_ADDRESS or self._of_all >= OF_ALL:
            return False
        self._of_all += 1
        return True


def _write(tx: Tx, entries: list[Entry]) -> None:
    audit_many(tx, entries)
