"""Run transactions on a database server: a few threads, each with its connection; callers of one kind together."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from clustergenie.platform.clock import Clock
from clustergenie.platform.db import EventSink, Listener, ManyFn, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.failures import CommitUnknown, DatabaseBusy
from clustergenie.platform.servers.address import Server
from clustergenie.platform.servers.session import Session

T = TypeVar("T")
Pending = deque[tuple[Any, "asyncio.Future[Any]"]]
Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]

BACKLOG = 20_000  # writes that may wait; beyond it callers are told to come back
CONNECTIONS = 16


class One:
    """One caller's transaction."""

    def __init__(self, fn: Callable[[Tx], Any], future: "asyncio.Future[Any]") -> None:
        self.fn, self.future = fn, future

    def run(self, session: Session, answer: "Callable[[list[Answer], Tx | None], None]") -> None:
        """Do it and answer."""
        if self.future.cancelled():
            return
        try:
            value, tx = session.run(self.fn)
        except BaseException as failure:  # noqa: BLE001 - it is the caller's to see, and the thread must live on
            answer([(self.future, None, failure)], None)
        else:
            answer([(self.future, value, None)], tx)


class Lane:
    """The callers of one batched function. One batch at a time: what comes meanwhile is the next one."""

    def __init__(self, pending: Pending, fn: ManyFn[Any, Any], limit: int) -> None:
        self.pending, self.fn, self.limit = pending, fn, limit
        self.busy = False

    def run(self, session: Session, answer: "Callable[[list[Answer], Tx | None], None]") -> None:
        """Do one batch and answer; when it fails as a whole, each of its callers by itself."""
        taken: list[tuple[Any, asyncio.Future[Any]]] = []
        while self.pending and len(taken) < self.limit:
            taken.append(self.pending.popleft())
        taken = [pair for pair in taken if not pair[1].cancelled()]
        if not taken:
            return
        try:
            values, tx = session.run(lambda tx: self.fn(tx, [item for item, _ in taken]))
        except CommitUnknown as failure:  # each by itself might be done twice
            answer([(future, None, failure) for _, future in taken], None)
        except BaseException as failure:  # noqa: BLE001 - see One
            if len(taken) == 1:
                answer([(taken[0][1], None, failure)], None)
                return
            for item, future in taken:
                Lane(deque([(item, future)]), self.fn, 1).run(session, answer)
        else:
            answer(_answers([future for _, future in taken], values), tx)


def _answers(futures: "list[asyncio.Future[Any]]", values: Any) -> list[Answer]:
    return [
        (future, None, value) if isinstance(value, Exception) else (future, value, None)
        for future, value in zip(futures, values, strict=True)
    ]


class ServerBackend:
    """See `platform.db.Backend`. Any number of processes may use the same database."""

    def __init__(
        self,
        url: str,
        sink: EventSink,
        clock: Clock | None = None,
        prepare: Callable[[Server], None] | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """`prepare` is called before anything is opened, to migrate the schema. `clock` None: the database's."""
        self.server = Server(url)
        self.dialect = self.server.dialect
        self._sink, self._clock, self._prepare = sink, clock, prepare
        self._size = max(1, connections // 2)
        self._queue: queue.SimpleQueue[One | Lane | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._readers = ThreadPoolExecutor(self._size, thread_name_prefix="db-read")
        self._local = threading.local()
        self._read_sessions: list[Session] = []
        self._lanes: dict[int, Lane] = {}
        self._turns = threading.Lock()
        self._listeners: list[Listener] = []
        self._posted: list[Callable[[], None]] = []
        self._stopping = False

    async def start(self) -> None:
        """Look whom we have there, migrate. Raises CannotStart."""
        self._loop = asyncio.get_running_loop()
        await self._loop.run_in_executor(None, self._open)
        for number in range(self._size):
            thread = threading.Thread(target=self._run, name=f"db-write-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _open(self) -> None:
        self.server.check()
        if self._prepare is not None:
            self._prepare(self.server)

    async def stop(self) -> None:
        """Commit what was accepted, then close everything."""
        self._stopping = True
        for _ in self._threads:
            self._queue.put(None)
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in self._threads))
        self._threads.clear()
        await asyncio.to_thread(self._readers.shutdown)
        for session in self._read_sessions:
            session.close()
        self.server.engine.dispose()

    # -- the callers' side

    async def write(self, fn: Callable[[Tx], T]) -> T:
        self._admit()
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(One(fn, future))
        return await future

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return await self._loop.run_in_executor(self._readers, self._read, fn)

    def submit_many(self, pending: Pending, one: Any, fn: ManyFn[Any, Any], limit: int) -> None:
        self._admit(len(pending) + 1)
        lane = self._lanes.get(id(pending))
        if lane is None:
            lane = self._lanes[id(pending)] = Lane(pending, fn, limit)
        with self._turns:
            pending.append(one)
            if lane.busy:
                return
            lane.busy = True
        self._queue.put(lane)

    def backlog(self) -> int:
        return self._queue.qsize()

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def on_posted(self, fn: Callable[[], None]) -> None:
        self._posted.append(fn)

    def announce(self, committed: list[Event]) -> None:
        for listener in self._listeners:
            listener(committed)

    def _admit(self, waiting: int = 0) -> None:
        if self._stopping:
            raise DatabaseBusy("The server is shutting down; try again in a moment.", retry_after=2)
        if max(waiting, self._queue.qsize()) > BACKLOG:
            raise DatabaseBusy("Too many writes are waiting for the database; try again shortly.", retry_after=1)

    # -- the database threads' side

    def _read(self, fn: Callable[[Tx], T]) -> T:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session(self.server, self._sink, self._clock, reading=True)
            self._read_sessions.append(session)
        return session.run(fn)[0]

    def _run(self) -> None:
        session = Session(self.server, self._sink, self._clock, reading=False)
        while (work := self._queue.get()) is not None:
            work.run(session, self._answer_later)
            if isinstance(work, Lane):
                self._next_turn(work, session)
        session.close()

    def _next_turn(self, lane: Lane, session: Session) -> None:
        """Give the lane back, or to the end of the queue while callers wait in it."""
        with self._turns:
            lane.busy = bool(lane.pending)
        if not lane.busy:
            return
        if self._stopping:  # behind the end of the queue nobody would come by
            lane.run(session, self._answer_later)
            self._next_turn(lane, session)
        else:
            self._queue.put(lane)

    def _answer_later(self, answers: list[Answer], tx: Tx | None) -> None:
        self._loop.call_soon_threadsafe(self._answer, answers, tx)

    def _answer(self, answers: list[Answer], tx: Tx | None) -> None:
        """On the event loop: wake whom the commit concerns, then answer each caller."""
        if tx is not None:
            for fn in tx.afterwards():
                fn()
            if tx.events:
                for posted in self._posted:
                    posted()
        for future, value, failure in answers:
            if future.cancelled():
                continue
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(value)
