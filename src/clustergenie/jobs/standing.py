"""Keep this process's place among the workers: its row, its lease, and what it tells the others of itself."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable

from clustergenie.jobs import lease
from clustergenie.jobs.held import Held
from clustergenie.jobs.lease import Me
from clustergenie.jobs.running import wait_on
from clustergenie.platform import ids
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log

LEASE_SECONDS = 30.0
LEASE_MARGIN = 1 / 6
"""The part of the lease that is not trusted: this process's clock may run apart from the database's."""
REST_SECONDS = 1.0


class Standing:
    """`register` before `keep`; `lost` is set when we were, or may have been, declared dead."""

    def __init__(
        self,
        db: Database,
        me: Me,
        *,
        lease_seconds: float,
        beat_seconds: float | None,
        held: Callable[[], Iterable[Held]],
        busy: Callable[[], tuple[int, int]],
        cancelled: Callable[[str], None],
    ) -> None:
        """`busy` says how many jobs run and wait; `cancelled` hears of jobs whose end was asked for elsewhere."""
        self.worker_id = ids.worker_id()
        self.lost = asyncio.Event()
        self.changing = asyncio.Lock()
        """Held while the worker's name may change, and while jobs are claimed under it."""
        self.me = me
        self._db, self._seconds = db, lease_seconds
        self._beat = min(beat_seconds or lease_seconds, lease_seconds) / (1 if beat_seconds else 3)
        self._held, self._busy, self._cancelled = held, busy, cancelled
        self._ended = False

    async def register(self) -> None:
        """Say that we are there."""
        await self._db.write(lease.register, self.worker_id, self.me, self._seconds)

    async def drain(self) -> None:
        """Say that we take nothing more."""
        await self._db.write(lease.drain, self.worker_id)

    async def retire(self) -> None:
        """Say that we have stopped in good order."""
        await self._db.write(lease.retire, self.worker_id)

    def end(self) -> None:
        """Let `keep` return."""
        self._ended = True
        self.lost.set()

    async def keep(self) -> None:
        """Renew the lease until the end; register as somebody new whenever it was lost."""
        trusted_until = time.monotonic() + self._trusted()
        while not self._ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._beat):
                    await self.lost.wait()
            if self._ended:
                return
            asked_at = time.monotonic()
            if not self.lost.is_set():
                alive = await self.renew(trusted_until - asked_at)
                if alive:
                    trusted_until = asked_at + self._trusted()
                elif alive is False or time.monotonic() >= trusted_until:
                    self.lost.set()
            if self.lost.is_set() and not self._ended:
                trusted_until = await self._begin_anew()

    def _trusted(self) -> float:
        return self._seconds * (1 - LEASE_MARGIN)

    async def renew(self, within_seconds: float) -> bool | None:
        """Whether the lease is still ours; None when the database did not say so in time."""
        waiting = [held for held in self._held() if held.waits_long(self._seconds)]
        running, queued = self._busy()

        def renew(tx: Tx) -> tuple[bool, list[str]]:
            wait_on(tx, [held.job for held in waiting])
            alive = lease.renew(tx, self.worker_id, self._seconds, running, queued)
            return alive, lease.asked_to_end(tx, self.worker_id) if alive and running else []

        try:
            async with asyncio.timeout(max(0.1, within_seconds)):
                alive, unwanted = await self._db.write(renew)
        except Unavailable as trouble:
            log().warning("renewing the lease failed", error=trouble.detail)
            return None
        except Exception:  # noqa: BLE001 - whatever keeps us from renewing, the lease runs out by the clock
            log().exception("renewing the lease failed")
            return None
        for held in waiting:
            held.extended = time.monotonic()
        for job_id in unwanted:
            self._cancelled(job_id)
        return alive

    async def _begin_anew(self) -> float:
        """We were, or may have been, declared dead: stop all work and register as somebody new.

        Returns until when the new lease may be trusted; when there is none yet, it is asked for again.
        """
        log().error("lease lost; stopping all jobs of this worker", worker_id=self.worker_id)
        for held in self._held():
            held.stop("handed_back")
        asked_at, new = time.monotonic(), ids.worker_id()
        try:
            async with self.changing:
                await self._db.write(lease.register, new, self.me, self._seconds)
                self.worker_id = new
                self.lost.clear()
        except Exception:  # noqa: BLE001 - without a database there is nothing to do but to ask again
            log().exception("registering anew failed")
            await asyncio.sleep(REST_SECONDS)
        return asked_at + self._trusted()
