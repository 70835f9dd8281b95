"""Claim jobs in batches and run them in a bounded number of slots."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from clustergenie.jobs import lease, metrics, rescue, signals
from clustergenie.jobs.attempt import attempt, unwanted, words
from clustergenie.jobs.held import Held
from clustergenie.jobs.lease import Me
from clustergenie.jobs.models import Handler, LostLease
from clustergenie.jobs.settle import Leave, leave_many
from clustergenie.jobs.standing import LEASE_SECONDS, Standing
from clustergenie.jobs.store import Claimed, Store
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Unavailable
from clustergenie.platform.telemetry import log

POLL_SECONDS = 1.0
CLAIM_MOST = 100
STOP_SECONDS = 10.0
"""How long a stop waits for handlers that do not heed their cancellation."""


class Pool:
    """The worker of this process: `count` slots and room for `queue` claimed jobs before them.

    With no slots it takes no jobs, and only has its place among the workers.
    """

    def __init__(
        self,
        db: Database,
        store: Store,
        handlers: Sequence[Handler[Any]],
        *,
        count: int,
        queue: int,
        lease_seconds: float = LEASE_SECONDS,
        beat_seconds: float | None = None,
        stop_seconds: float = STOP_SECONDS,
        me: Me | None = None,
    ) -> None:
        """`beat_seconds`: how often to tell other processes how busy we are; None where there are none."""
        self.count, self.queue = count, queue
        self._db, self._store = db, store
        self._handlers = {handler.kind.name: handler for handler in handlers}
        self._stop_seconds = stop_seconds
        self._slots = asyncio.Semaphore(count)
        self._leave = db.batched(leave_many)
        self._tasks: dict[tuple[str, int], Held] = {}
        self._cancelled: set[str] = set()
        self._active = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self.standing = Standing(
            db,
            me or Me(slots=count),
            lease_seconds=lease_seconds,
            beat_seconds=beat_seconds,
            held=lambda: list(self._tasks.values()),
            busy=lambda: (self._active, self._waiting()),
            cancelled=self._cancel,
        )
        self._loops: list[asyncio.Task[None]] = []
        self._undo: list[Any] = []

    # -- life

    @property
    def worker_id(self) -> str:
        """Our name among the workers; it changes when our lease is lost."""
        return self.standing.worker_id

    async def start(self, *, alone: bool) -> int:
        """Register and begin to claim. `alone`: no other process can hold this database, so running jobs are lost.

        Returns how many jobs were taken back from a past that ended badly.
        """
        await self.standing.register()
        taken = await self._db.write(rescue.take_over, self.worker_id) if alone else 0
        metrics.worker_count.set(self.count)
        self._undo = [signals.on_wake(self._work.set), signals.on_cancel(self._cancel)]
        claiming = [self._claim_loop()] if self.count else []
        self._loops = [asyncio.create_task(loop) for loop in (*claiming, self.standing.keep())]
        return taken

    async def drain(self, seconds: float, hasten: asyncio.Event) -> None:
        """Take no more jobs, hand back what has not begun, and give the rest some time to end, unless `hasten` is set.

        A job that was just claimed is handed back too. `stop` comes after this.
        """
        self._stopping = True
        for event in (self._work, self._room):
            event.set()
        with contextlib.suppress(Unavailable):
            await self.standing.drain()
        until = time.monotonic() + seconds
        while self._tasks and not hasten.is_set() and (left := until - time.monotonic()) > 0:
            for held in self._tasks.values():
                if not held.begun:
                    held.stop("handed_back")
            self._room.clear()
            await _first(left, self._room, hasten)

    async def stop(self) -> None:
        """Stop claiming, hand back what runs, and retire."""
        self._stopping = True
        for undo in self._undo:
            undo()
        self._undo = []
        for event in (self._work, self._room):
            event.set()
        self.standing.end()
        # Not cancelled: a claim under way commits whether or not we listen, and its jobs must be handed back.
        await asyncio.gather(*self._loops, return_exceptions=True)
        for held in self._tasks.values():
            held.stop("handed_back")
        tasks = [held.task for held in self._tasks.values() if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self._stop_seconds)
        for held in self._tasks.values():
            log().error("a job did not stop; it will be taken back as lost", job_id=held.job.id)
        with contextlib.suppress(Unavailable):  # without a database nobody can be told; the lease runs out by itself
            await self.standing.retire()

    def _waiting(self) -> int:
        return max(0, len(self._tasks) - self._active)

    def snapshot(self) -> dict[str, Any]:
        """The pool in numbers."""
        waiting = self._waiting()
        metrics.queue_length.set(waiting)
        metrics.active_workers.set(self._active)
        return {
            "worker_id": self.worker_id,
            "worker_count": self.count,
            "queue_capacity": self.queue,
            "active_workers": self._active,
            "queue_length": waiting,
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
        async with self.standing.changing:
            worker_id = self.worker_id

            def claim(tx: Tx) -> tuple[list[Claimed], frozenset[str]] | None:
                if not lease.held(tx, worker_id):
                    return None
                self._store.promote(tx, 500)
                found = self._store.claim(tx, worker_id, limit)
                return found, unwanted(tx, found)

            self._cancelled.clear()
            try:
                answer = await self._db.write(claim)
            except Unavailable as trouble:  # it is asked again; nothing is claimed
                log().warning("claiming failed", error=trouble.detail)
                return []
            except Exception:  # noqa: BLE001 - as little as that may end the loop
                log().exception("claiming failed")
                return []
        if answer is None:
            self.standing.lost.set()
            return []
        claimed, refused = answer
        for job in claimed:
            self._begin(job, refused=job.id in refused)
        return claimed

    def _begin(self, job: Claimed, *, refused: bool) -> None:
        held = Held(job, refused)
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
                        handler = self._handlers.get(job.type)
                        leave = await attempt(self._db, handler, job, waited_seconds=waited, refused=held.refused)
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


async def _first(seconds: float, *events: asyncio.Event) -> None:
    """Until one of the events is set, or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _soon(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
