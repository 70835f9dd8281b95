"""Claim jobs in batches and run them in a bounded number of slots."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from clustergenie.jobs import lease, metrics, rescue, signals
from clustergenie.jobs.attempt import attempt
from clustergenie.jobs.models import Handler, LostLease
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.store import Claimed, Store
from clustergenie.platform import ids
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log

LEASE_SECONDS = 30.0
LEASE_MARGIN_SECONDS = 5.0
POLL_SECONDS = 1.0
CLAIM_MOST = 100


class Pool:
    """The worker of this process: `count` slots and room for `queue` claimed jobs before them."""

    def __init__(
        self,
        db: Database,
        store: Store,
        handlers: Sequence[Handler[Any]],
        *,
        count: int,
        queue: int,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.worker_id = ids.worker_id()
        self.count, self.queue = count, queue
        self._db, self._store = db, store
        self._handlers = {handler.kind.name: handler for handler in handlers}
        self._lease_seconds = lease_seconds
        self._slots = asyncio.Semaphore(count)
        self._leave = db.batched(leave_many)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._active = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._undo: list[Any] = []

    # -- life

    async def start(self, *, alone: bool) -> int:
        """Register and begin to claim. `alone`: no other process can hold this database, so running jobs are lost.

        Returns how many jobs were taken back from a past that ended badly.
        """
        await self._db.write(lease.register, self.worker_id, self.count, self._lease_seconds)
        taken = await self._db.write(rescue.take_over, self.worker_id) if alone else 0
        metrics.worker_count.set(self.count)
        self._undo = [signals.on_wake(self._work.set), signals.on_cancel(self._cancel)]
        self._loops = [asyncio.create_task(self._claim_loop()), asyncio.create_task(self._lease_loop())]
        return taken

    async def stop(self) -> None:
        """Stop claiming, hand back what runs, and retire."""
        self._stopping = True
        for undo in self._undo:
            undo()
        await _end(self._loops)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._db.write(lease.retire, self.worker_id)

    def snapshot(self) -> dict[str, Any]:
        """The pool in numbers."""
        waiting = len(self._tasks) - self._active
        metrics.queue_length.set(max(0, waiting))
        metrics.active_workers.set(self._active)
        return {
            "worker_id": self.worker_id,
            "worker_count": self.count,
            "queue_capacity": self.queue,
            "active_workers": self._active,
            "queue_length": max(0, waiting),
            "stopping": self._stopping,
        }

    # -- claiming

    async def _claim_loop(self) -> None:
        while True:
            room = self.count + self.queue - len(self._tasks)
            # Claim in batches: with little room and much at hand, wait until there is room for a quarter of all.
            if room <= 0 or (self._tasks and room < (self.count + self.queue) // 4 and self._active >= self.count):
                self._room.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._room.wait(), 0.01 if room > 0 else POLL_SECONDS)
                if room <= 0:
                    continue
            self._work.clear()
            wanted = min(self.count + self.queue - len(self._tasks), CLAIM_MOST)
            claimed = await self._claim(wanted) if wanted > 0 else []
            for job in claimed:
                self._begin(job)
            if len(claimed) < wanted:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), POLL_SECONDS)

    async def _claim(self, limit: int) -> list[Claimed]:
        def claim(tx: Tx) -> list[Claimed]:
            self._store.promote(tx, 500)
            return self._store.claim(tx, self.worker_id, limit)

        try:
            return await self._db.write(claim)
        except Exception:  # noqa: BLE001 - a database that is busy or away is asked again; what it refused is unclaimed
            log().exception("claiming failed")
            await asyncio.sleep(POLL_SECONDS)
            return []

    def _begin(self, job: Claimed) -> None:
        task = asyncio.create_task(self._run(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._done(job.id))

    def _done(self, job_id: str) -> None:
        self._tasks.pop(job_id, None)
        self._cancelled.discard(job_id)
        self._room.set()

    def _cancel(self, job_id: str) -> None:
        if (task := self._tasks.get(job_id)) is not None:
            self._cancelled.add(job_id)
            task.cancel()

    # -- working

    async def _run(self, job: Claimed) -> None:
        started = time.perf_counter()
        try:
            async with self._slots:
                self._active += 1
                started = time.perf_counter()
                try:
                    leave = await attempt(self._db, self._handlers.get(job.type), job)
                finally:
                    self._active -= 1
        except asyncio.CancelledError:
            leave = self._why_cancelled(job)
        if leave is None:
            return
        status = "completed" if leave.outcome == "completed" else leave.outcome
        metrics.processing_seconds.labels(job.type, status).observe(time.perf_counter() - started)
        metrics.processed.labels(status).inc()
        # Shielded: a cancel that comes now is too late, and must not stop the end from being written.
        await asyncio.shield(asyncio.create_task(self._settle(leave)))

    async def _settle(self, leave: Leave) -> None:
        try:
            await self._leave(leave)
        except LostLease:
            metrics.lost_leases.inc()
            log().warning("lease lost; nothing was written", job_id=leave.job_id, fence=leave.fence)
        except Unavailable as failure:
            # The database did not take it. The job is still ours, so its lease or deadline will bring it back.
            log().error("the end of a job could not be written", job_id=leave.job_id, error=failure.detail)

    def _why_cancelled(self, job: Claimed) -> Leave | None:
        if job.id in self._cancelled:
            return Leave(job.id, job.fence, "cancelled", error="cancelled on request")
        return Leave(job.id, job.fence, "handed_back")

    # -- the lease

    async def _lease_loop(self) -> None:
        trusted_until = time.monotonic() + self._lease_seconds - LEASE_MARGIN_SECONDS
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            asked_at = time.monotonic()
            try:
                alive = await self._db.write(lease.renew, self.worker_id, self._lease_seconds)
            except Exception:  # noqa: BLE001 - whatever keeps us from renewing, the lease runs out by the clock
                log().exception("renewing the lease failed")
                alive = time.monotonic() < trusted_until
            else:
                if alive:
                    trusted_until = asked_at + self._lease_seconds - LEASE_MARGIN_SECONDS
            if not alive:
                await self._begin_anew()
                trusted_until = time.monotonic() + self._lease_seconds - LEASE_MARGIN_SECONDS

    async def _begin_anew(self) -> None:
        """We were declared dead: stop all work (its writes would be refused) and register as somebody new."""
        log().error("lease lost; stopping all jobs of this worker", worker_id=self.worker_id)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self.worker_id = ids.worker_id()
        await self._db.write(lease.register, self.worker_id, self.count, self._lease_seconds)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
