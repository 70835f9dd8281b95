"""Serve the event routes on a real socket for one test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from clustergenie import events
from clustergenie.events.routes import routes
from clustergenie.platform.db import Database
from clustergenie.platform.http import build
from tests.events.logs import opened
from tests.waiting import poll_until_async


@dataclass
class Served:
    """A running server: its parts, a client of it, and the server itself."""

    db: Database
    bus: events.EmbeddedBus
    live: events.Live
    client: httpx.AsyncClient
    server: uvicorn.Server


@asynccontextmanager
async def served(path: Path, *consumers: events.Consumer, **live_settings: float) -> AsyncIterator[Served]:
    """Started on a free port of 127.0.0.1, and shut down in the order of the real process."""
    async with opened(path) as db:
        bus, live = events.EmbeddedBus(db, consumers), events.Live(db, **live_settings)
        await bus.open()
        await live.start()
        app = build(
            routes,
            version="0",
            dependencies={
                "db": db,
                "bus": bus,
                "live": live,
                "audience": events.EVERYBODY,
                "on_replay": lambda _tx, _letter: None,
            },
        )
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        await poll_until_async(lambda: _started(server))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=base, timeout=20) as client:
                yield Served(db, bus, live, client, server)
        finally:
            live.close()
            server.should_exit = True
            async with asyncio.timeout(20):
                await serving


async def _started(server: uvicorn.Server) -> bool:
    return server.started


@dataclass
class Frame:
    """One piece of a stream, as text by field; comments under the empty name."""

    fields: dict[str, str]

    @property
    def id(self) -> int:
        return int(self.fields["id"])


async def frames(response: httpx.Response) -> AsyncIterator[Frame]:
    """The pieces of an event stream, each ended by an empty line."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif fields:
            yield Frame(fields)
            fields = {}
