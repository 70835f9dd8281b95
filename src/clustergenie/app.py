"""The web process: one visible list of routes, and `serve`, which runs the control plane."""

import asyncio
import contextlib
import gc
import http
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
import uvloop
from litestar import Litestar, MediaType, Response, Router
from litestar.di import Provide
from prometheus_client import generate_latest

import clustergenie
from clustergenie import auth, ratelimit, readiness, worker
from clustergenie.auth import routes as access
from clustergenie.clusters import routes as clusters
from clustergenie.diagnosis import routes as diagnosis
from clustergenie.droplets import routes as droplets
from clustergenie.events import routes as events
from clustergenie.jobs import routes as jobs
from clustergenie.monitoring import routes as monitoring
from clustergenie.platform import http as web
from clustergenie.platform import serving, telemetry, tls
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.telemetry import log
from clustergenie.ratelimit import routes as limits
from clustergenie.runtime import Runtime

API = (
    clusters.routes,
    droplets.routes,
    jobs.routes,
    monitoring.routes,
    diagnosis.routes,
    events.routes,
    limits.routes,
    access.routes,
)
FOR_AGENTS = (droplets.for_agents,)
"""All that a process answers whose role is to work."""
ROOT = (jobs.root_routes, events.root_routes, limits.root_routes)
# What the first API served at the root as well.

ratelimit.limited(jobs.create_job, "jobs_create", {"diagnose": "diagnosis"})
ratelimit.limited(diagnosis.diagnose, "diagnosis")
CONSOLE = Path(clustergenie.__file__).parent / "_ui"
"""Put there by the build; see hatch_build.py."""


@web.get("/metrics", allow=web.VIEWER, media_type=MediaType.TEXT, tags=["service"])
async def scrape(runtime: Runtime, db: Database) -> Response[bytes]:
    """The Prometheus scrape of this process."""
    runtime.pool.snapshot()
    telemetry.database_backlog.set(db.backlog())
    await monitoring.collect(db)
    return Response(generate_latest(telemetry.registry), media_type="text/plain; version=0.0.4; charset=utf-8")


def route_handlers(role: str = "all") -> list[Any]:
    """Everything that answers in a process of that role."""
    below, beside = (API, ROOT) if role != "worker" else (FOR_AGENTS, ())
    api = Router("/api/v1", route_handlers=[route for several in below for route in several])
    root = [route for several in beside for route in several]
    return [api, *root, *readiness.routes, scrape, *(web.console_routes if role != "worker" else [])]


def build(runtime: Runtime) -> Litestar:
    """The web application over a runtime."""
    limiter = runtime.limits.limiter
    enforcement = ratelimit.Enforcement(limiter, ratelimit.authenticated)
    return web.build(
        route_handlers(runtime.settings.role),
        version=clustergenie.__version__,
        dependencies={
            "runtime": runtime,
            "db": runtime.db,
            "submit": jobs.Submit(runtime.db),
            "pool": runtime.pool,
            "fleet": runtime.fleet,
            "desk": runtime.desk,
            "live": runtime.live,
            "bus": runtime.bus,
            "on_replay": _audit_replay,
            "limiter": limiter,
            "reception": runtime.reception,
            "audience": Provide(runtime.gate.audience),
            "oidc": runtime.login,
            "refusals": auth.Refusals(runtime.db),
            "principal": Provide(auth.principal_dependency),
            "console": web.Console(CONSOLE, runtime.settings.base_path, runtime.settings.grafana_url),
        },
        guards=[runtime.gate.guard, enforcement.guard],
        before_send=[enforcement.tell],
    )


def _audit_replay(tx: Tx, letter: Any) -> None:
    what = {"group": letter.consumer_group, "type": letter.type, "key": letter.key}
    auth.audit(tx, "dead-letter.replay", str(letter.id), after=what)


def guarded(routed: Any, settings: Settings) -> web.UnderPath:
    """The application behind what every request has to pass."""
    names = [*settings.allowed_hosts, settings.host]
    if settings.public_url:
        names.append(str(urlsplit(settings.public_url).hostname))
    known = web.KnownHosts(web.Cors(routed, settings.cors_origins), names)
    return web.UnderPath(web.Observed(known, version=clustergenie.__version__), settings.base_path)


class Server(uvicorn.Server):
    """Ends open streams when told to stop, so that they do not hold up the rest."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._leaving: asyncio.Task[None] | None = None
        self._patience = web.Patience(runtime.settings.slow_client_seconds)

    async def main_loop(self) -> None:
        """Until told to stop."""
        watching = asyncio.create_task(self._patience.watch(self.server_state.connections))
        try:
            await super().main_loop()
        finally:
            watching.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer; from here on a signal is an orderly end."""
        await super().startup(sockets)
        serving.tell_systemd("READY=1")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT: the first lets what is under way end, a second ends the wait for it."""
        log().info("stopping", signal=signal.Signals(sig).name)
        serving.tell_systemd("STOPPING=1")
        asyncio.get_running_loop().call_soon_threadsafe(self._told_to_stop)

    def _told_to_stop(self) -> None:
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())
        else:
            self._runtime.hasten.set()

    async def _leave(self) -> None:
        try:
            await self._runtime.drain()
        finally:
            self._runtime.live.close()
            self.should_exit = True


def serve(settings: Settings) -> None:
    """Run the control plane until SIGTERM or SIGINT. Raises CannotStart with a sentence."""
    telemetry.configure_logs(settings.log_level, settings.environment)
    listening = serving.bind(settings.host, settings.port)
    with contextlib.closing(listening), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> None:
    secured = tls.context(settings)
    url = settings.public_url or serving.url_of(settings.host, listening, "https" if secured else "http")
    with _sentence_on_stderr():
        runtime = await worker.start(settings, url)
    routed: Any = build(runtime)  # Litestar types scopes more narrowly than ASGI does
    config = uvicorn.Config(
        guarded(routed, settings),
        http=web.BoundedProtocol,
        ws="none",
        ssl_context_factory=(lambda _config, _default: secured) if secured else None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        timeout_graceful_shutdown=10,
    )
    note = serving.note(settings.data_dir, url)
    sys.stderr.write(f"ClusterGenie {clustergenie.__version__} serves {url} (data in {settings.data_dir})\n")
    sys.stderr.write(await _invitation(runtime, url))
    log().info("serving", url=url, data_dir=str(settings.data_dir), environment=settings.environment)
    # What start-up made stays: let the collector never look at it again, and at the rest less often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    try:
        await Server(config, runtime).serve(sockets=[listening])
    finally:
        await runtime.stop()
        note.unlink(missing_ok=True)
        log().info("stopped")


async def _invitation(runtime: Runtime, url: str) -> str:
    """Where there is no key yet: the link by which the first admin gets one."""
    settings = runtime.settings
    if settings.role == "worker" or settings.auth == "off" or runtime.gate.keyring.any_key:
        return ""
    token = await runtime.db.write(_new_setup_token)
    until = "until then whoever is on this machine is its admin" if runtime.gate.trusting else "nobody else gets in"
    link = auth.setup_link(url if settings.public_url else url + settings.base_path, token)
    return f"No API key yet ({until}). Make the first one, once and within the hour, at:\n  {link}\n"


def _new_setup_token(tx: Tx) -> str:
    return auth.issue_setup_token(tx.connection, tx.now)


@contextlib.contextmanager
def _sentence_on_stderr() -> Iterator[None]:
    try:
        yield
    except CannotStart as reason:
        log().error("cannot start", reason=str(reason), status=http.HTTPStatus.SERVICE_UNAVAILABLE)
        raise
