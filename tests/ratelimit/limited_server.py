"""Serve two limited routes and the limiter's own on a real socket, over a real database or a real Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import uvicorn
from litestar import Router
from litestar.params import PathParameter

from clustergenie import ratelimit
from clustergenie.platform import config, http
from clustergenie.platform.db import Database
from clustergenie.ratelimit import routes
from tests import databases
from tests.platform.databases import forget
from tests.waiting import poll_until_async


class Wanted(msgspec.Struct):
    """As the body of `POST /jobs`."""

    type: str = "noop"
    parameters: dict[str, Any] = {}


@http.post("/jobs", allow="anyone")
async def create(data: Wanted) -> dict[str, str]:
    """Do nothing."""
    return {"type": data.type}


@http.post("/clusters/{cluster_id:str}/things", allow="anyone")
async def of_cluster(cluster_id: Annotated[str, PathParameter()]) -> dict[str, str]:
    """Do nothing either."""
    return {"cluster_id": cluster_id}


ratelimit.limited(create, "jobs_create", {"diagnose": "diagnosis"})
ratelimit.limited(of_cluster, "things")


@dataclass
class Served:
    """A running server: its parts and a client of it."""

    service: ratelimit.Service
    db: Database
    client: httpx.AsyncClient
    port: int

    async def create(self, kind: str = "noop", cluster: Any = None, **headers: str) -> httpx.Response:
        """Ask for a job."""
        parameters = {} if cluster is None else {"cluster_id": cluster}
        return await self.client.post("/jobs", json={"type": kind, "parameters": parameters}, headers=headers)

    async def rule(self, name: str, scope: str, capacity: int, rate: float, **more: Any) -> Any:
        """Make a rule through the API."""
        body = {"name": name, "scope": scope, "capacity": capacity, "refill_rate": rate, **more}
        answer = await self.client.post("/observability/ratelimit/config", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["config"]

    async def available(self, name: str, scope: str, scope_id: str = "") -> int:
        """How many tokens a bucket has."""
        asked = {"name": name, "scope_type": scope, **({"scope_id": scope_id} if scope_id else {})}
        answer = await self.client.get("/observability/ratelimit", params=asked)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["available"])


def settings(folder: Path, **environment: str) -> config.Settings:
    """Those of a process with this environment."""
    return config.load({}, {"CLUSTERGENIE_DATA_DIR": str(folder), **environment}, folder)


@asynccontextmanager
async def served(folder: Path, **environment: str) -> AsyncIterator[Served]:
    """Started on a free port of 127.0.0.1, and shut down in the order of the real process."""
    folder.mkdir(parents=True, exist_ok=True)
    databases.prepare(folder / "a.db")
    async with databases.running(folder / "a.db", forget) as db, _serving(db, settings(folder, **environment)) as here:
        yield here


@asynccontextmanager
async def _serving(db: Database, settings: config.Settings) -> AsyncIterator[Served]:
    service = ratelimit.build(settings, db)
    await service.start()
    enforcement = ratelimit.Enforcement(service.limiter)
    app = http.build(
        [create, of_cluster, *routes.root_routes, Router("/api/v1", route_handlers=routes.routes)],
        version="0",
        dependencies={"limiter": service.limiter},
        guards=[enforcement.guard],
        before_send=[enforcement.tell],
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    await poll_until_async(lambda: _started(server))
    port = listener.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Served(service, db, client, port)
    finally:
        server.should_exit = True
        async with asyncio.timeout(20):
            await serving
        await service.stop()


async def _started(server: uvicorn.Server) -> bool:
    return server.started
