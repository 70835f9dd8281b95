"""The ceiling that `POST /jobs` is measured against: bare Litestar, msgspec and one batched INSERT by raw sqlite3.

No ids beyond a counter, no events, no metrics, no log line, no checks: what the stack allows at the very most.
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, post


class Wanted(msgspec.Struct):
    """The body of `POST /jobs`."""

    type: str
    parameters: dict[str, str | int | float | bool | None] = {}


class Made(msgspec.Struct):
    """The reply."""

    id: int
    type: str


class Writer:
    """One thread that commits whatever has queued up while the last commit was flushed."""

    def __init__(self, path: str) -> None:
        self._queue: queue.SimpleQueue[tuple[Wanted, Any]] = queue.SimpleQueue()
        self._path = path
        self._next = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin."""
        self._loop = loop
        threading.Thread(target=self._run, daemon=True).start()

    async def insert(self, wanted: Wanted) -> int:
        """The row's id, after the commit is durable."""
        future = self._loop.create_future()
        self._queue.put((wanted, future))
        return await future

    def _run(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, type TEXT, parameters TEXT)")
        while True:
            group = [self._queue.get()]
            while not self._queue.empty() and len(group) < 500:
                group.append(self._queue.get())
            first = self._next + 1
            self._next += len(group)
            rows = [
                (first + place, wanted.type, msgspec.json.encode(wanted.parameters))
                for place, (wanted, _) in enumerate(group)
            ]
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO jobs VALUES (?, ?, ?)", rows)
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._answer, first, group)

    @staticmethod
    def _answer(first: int, group: list[tuple[Wanted, Any]]) -> None:
        for place, (_, future) in enumerate(group):
            if not future.done():
                future.set_result(first + place)


def main(path: str, port: int) -> None:
    """Serve."""
    writer = Writer(path)

    @post("/api/v1/jobs")
    async def create(data: Wanted) -> Made:
        return Made(await writer.insert(data), data.type)

    async def begin() -> None:
        writer.start(asyncio.get_running_loop())

    app = Litestar([create], on_startup=[begin], openapi_config=None, logging_config=None)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", loop="uvloop", http="httptools", backlog=4096)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
