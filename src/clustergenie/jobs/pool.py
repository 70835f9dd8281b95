"""Claim jobs in batches and run them in a bounded number of slots."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from clustergenie.jobs import lease, metrics, rescue, signals
from clustergenie.jobs.attempt import attempt, words
from clustergenie.jobs.held import Held
from clustergenie.jobs.models import Handler, LostLease
from clustergenie.jobs.running import wait_on
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.store import Claimed, Store
from clustergenie.platform import ids
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log

LEASE_SECONDS = 30.0
LEASE_MARGIN = 1 / 6
"""The part of the lease that is not trusted: this process's clock may run apart from the database's."""
POLL_SECONDS = 1.0
CLAIM_MOST = 100
STOP_SECONDS = 10.0
"""How long a stop waits for handlers that do not heed their cancellation."""


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
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.worker_id = ids.worker_id()
        self.count, self.queue = count, queue
        self._db, self._store = db, store
        self._handlers = {handler.kind.name: handler for handler in handlers}
        self._lease_seconds, self._stop_seconds = lease_seconds, stop_seconds
        self._slots = asyncio.Semaphore(count)
        self._leave = db.batched(leave_many)
        self._tasks: dict[tuple[str, int], Held] = {}
        self._cancelled: set[str] = set()
        self._active = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._lost = asyncio.Event()
        self._registering = asyncio.Lock()
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
        for event in (self._work, self._room, self._lost):
            event.set()
        # Not cancelled: a claim under way commits whether or not we listen, and its jobs must be handed back.
        await asyncio.gather(*self._loops, return_exceptions=True)
        for held in self._tasks.values():
            held.stop("handed_back")
        tasks = [held.task for held in self._tasks.values() if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self._stop_seconds)
        for held in self._tasks.values():
            log().error("a job did not stop; it will be taken back as lost", job_id=held.job.id)
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
        while not self._stopping:
            room = self.count + self.queue - len(self._tasks)
            # Claim in batches: with little room and much at hand, wait until there is room for a quarter of all.
            if room <= 0 or (self._tasks and room < (self.count + self.queue) // 4 and self._active >= self.count):
                self._room.clear()
                await _soon(self._room, 0.01 if room > 0 else POLL_SECONDS)
                if room <= 0:
                    continue
            self._work.clear()
            wanted = min(self.count + self.queue - len(self._tasks), CLAIM_MOST)
            claimed = await self._claim(wanted) if wanted > 0 else []
            if len(claimed) < wanted and not self._stopping:
                await _soon(self._work, POLL_SECONDS)

    async def _claim(self, limit: int) -> list[Claimed]:
        async with self._registering:
            worker_id = self.worker_id

            def claim(tx: Tx) -> list[Claimed] | None:
                if not lease.held(tx, worker_id):
                    return None
                self._store.promote(tx, 500)
                return self._store.claim(tx, worker_id, limit)

            self._cancelled.clear()
            try:
                claimed = await self._db.write(claim)
            except Exception:  # noqa: BLE001 - a database that is busy or away is asked again; nothing is claimed
                log().exception("claiming failed")
                return []
        if claimed is None:
            self._lost.set()
            return []
        for job in claimed:
            self._begin(job)
        return claimed

    def _begin(self, job: Claimed) -> None:
        held = Held(job)
        self._tasks[job.id, job.fence] = held
        held.task = asyncio.create_task(self._run(held))
        held.task.add_done_callback(lambda _: self._done(held))
        if job.id in self._cancelled:  # its cancellation was committed after the claim, and heard before it
            held.stop("cancelled")

    def _done(self, held: Held) -> None:
        del self._tasks[held.job.id, held.job.fence]
        self._room.set()

    def _cancel(self, job_id: str) -> None:
        self._cancelled.add(job_id)
        for held in self._tasks.values():
            if held.job.id == job_id:
                held.stop("cancelled")

    # -- working

    async def _run(self, held: Held) -> None:
        held.started = True
        job, began = held.job, time.perf_counter()
        try:
            if held.asked is None:
                async with self._slots:
                    self._active += 1
                    began, held.begun = time.perf_counter(), True
                    try:
                        waited = time.monotonic() - held.since
                        leave = await attempt(self._db, self._handlers.get(job.type), job, waited_seconds=waited)
                    finally:
                        self._active -= 1
                        held.ending = True
            else:
                leave = held.stopped()
        except asyncio.CancelledError:
            if held.asked is None and (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # not by us: the process is going down
            leave = held.stopped()
        held.ending = True
        if leave is not None:
            metrics.processing_seconds.labels(job.type, leave.outcome).observe(time.perf_counter() - began)
            metrics.processed.labels(leave.outcome).inc()
            await self._settle(leave)

    async def _settle(self, leave: Leave) -> None:
        """Write how an attempt ended. While the lease is ours this is ours to say: a busy database is asked again."""
        pause = 0.1
        while True:
            try:
                await self._leave(leave)
            except LostLease:
                metrics.lost_leases.inc()
                log().warning("lease lost; nothing was written", job_id=leave.job_id, fence=leave.fence)
            except Unavailable as failure:
                log().error("the end of a job could not be written", job_id=leave.job_id, error=failure.detail)
                if not self._stopping:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, POLL_SECONDS)
                    continue
            except Exception as failure:  # noqa: BLE001 - a job whose end is refused must not stay running for ever
                log().exception("the end of a job was refused", job_id=leave.job_id)
                if leave.outcome != "failed":
                    error = words(f"its end ({leave.outcome}) could not be written: {failure}")
                    leave = Leave(leave.job_id, leave.fence, "failed", error=error)
                    continue
            return

    # -- the lease

    async def _lease_loop(self) -> None:
        trusted_until = time.monotonic() + self._lease_seconds * (1 - LEASE_MARGIN)
        while not self._stopping:
            await _soon(self._lost, self._lease_seconds / 3)
            if self._stopping:
                return
            asked_at = time.monotonic()
            if not self._lost.is_set():
                alive = await self._renew(trusted_until - asked_at)
                if alive:
                    trusted_until = asked_at + self._lease_seconds * (1 - LEASE_MARGIN)
                elif alive is False or time.monotonic() >= trusted_until:
                    self._lost.set()
            if self._lost.is_set() and not self._stopping:
                trusted_until = await self._begin_anew()

    async def _renew(self, within_seconds: float) -> bool | None:
        """Whether the lease is still ours; None when the database did not say so in time."""
        waiting = [held for held in self._tasks.values() if held.waits_long(self._lease_seconds)]

        def renew(tx: Tx) -> bool:
            wait_on(tx, [held.job for held in waiting])
            return lease.renew(tx, self.worker_id, self._lease_seconds)

        try:
            async with asyncio.timeout(max(0.1, within_seconds)):
                alive = await self._db.write(renew)
        except Exception:  # noqa: BLE001 - whatever keeps us from renewing, the lease runs out by the clock
            log().exception("renewing the lease failed")
            return None
        for held in waiting:
            held.extended = time.monotonic()
        return alive

    async def _begin_anew(self) -> float:
        """We were, or may have been, declared dead: stop all work and register as somebody new.

        Returns until when the new lease may be trusted; when there is none yet, it is asked for again.
        """
        log().error("lease lost; stopping all jobs of this worker", worker_id=self.worker_id)
        for held in self._tasks.values():
            held.stop("handed_back")
        asked_at, new = time.monotonic(), ids.worker_id()
        try:
            async with self._registering:
                await self._db.write(lease.register, new, self.count, self._lease_seconds)
                self.worker_id = new
                self._lost.clear()
        except Exception:  # noqa: BLE001 - without a database there is nothing to do but to ask again
            log().exception("registering anew failed")
            await asyncio.sleep(POLL_SECONDS)
        return asked_at + self._lease_seconds * (1 - LEASE_MARGIN)


async def _soon(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
