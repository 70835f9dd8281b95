"""The work process: one visible list of job handlers, consumers and ticks, and the order in which they live."""

import asyncio
import datetime as dt
from typing import Any

import clustergenie
from clustergenie import (
    auth,
    clusters,
    diagnosis,
    droplets,
    events,
    installation,
    jobs,
    monitoring,
    providers,
    ratelimit,
)
from clustergenie.platform import databases, keyfile, migrate, roles, tls
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import log
from clustergenie.runtime import Runtime

BEAT_SECONDS = 2.0
"""How often processes that share a database tell each other how they are."""
CATALOG_SECONDS = 20.0
SILENT_SECONDS = 3.0
"""How often to ask a provider again that did not say what it offers."""
JOBS_KEPT = dt.timedelta(days=30)
PRUNE_ROUNDS = 20


def handlers(db: Database, fleet: droplets.Fleet) -> list[jobs.Handler[Any]]:
    """Who does which kind of job."""
    return [
        jobs.noop_handler,
        droplets.provision_handler(fleet),
        droplets.destroy_handler(fleet),
        clusters.scale_handler(fleet),
        clusters.heal_handler(fleet),
        clusters.delete_handler(fleet),
        *monitoring.handlers(db, fleet),
        *diagnosis.handlers(db, fleet),
    ]


def consumers() -> list[events.Consumer]:
    """Who listens to which events."""
    return [jobs.ASKED_OUTSIDE, *monitoring.consumers()]


def ticks_of_each(db: Database, fleet: droplets.Fleet, settings: Settings) -> list[jobs.Tick]:
    """What every process does for itself every few seconds, so that it knows what it answers."""

    async def count() -> None:
        fleet.in_use = await db.read(droplets.count)

    async def ask() -> None:
        if fleet.silent or fleet.asked_before(CATALOG_SECONDS):
            await fleet.refresh()

    return [
        jobs.Tick("catalogs", SILENT_SECONDS, ask, everywhere=True),
        jobs.Tick("counts", settings.reconcile_seconds, count, everywhere=True),
    ]


def ticks(db: Database, fleet: droplets.Fleet, settings: Settings) -> list[jobs.Tick]:
    """What is done every few seconds, whoever leads."""
    reconciler = droplets.Reconciler(db, fleet)

    async def look_at_clusters() -> object:
        return await clusters.round_of_all(db)

    async def sweep() -> object:
        return await jobs.sweep(db)

    async def age() -> object:
        return await db.write(jobs.age)

    async def fire_schedules() -> object:
        return await jobs.fire_due(db)

    async def prune() -> None:
        await _prune(db, settings)

    return [
        jobs.Tick("reconcile", settings.reconcile_seconds, reconciler.round),
        jobs.Tick("clusters", settings.reconcile_seconds, look_at_clusters),
        jobs.Tick("rescue", 5.0, sweep),
        jobs.Tick("ageing", 30.0, age),
        jobs.Tick("schedules", 1.0, fire_schedules),
        jobs.Tick("retention", 300.0, prune),
        *monitoring.ticks(db, fleet),
    ]


async def _prune(db: Database, settings: Settings) -> None:
    """Forget what is older than it has to be, in bites that never hold the database for long."""
    moment = await db.read(lambda tx: tx.now)
    for forget, kept in (
        (events.prune, dt.timedelta(hours=settings.events_retention_hours)),
        (jobs.prune, JOBS_KEPT),
        (droplets.prune, JOBS_KEPT),
        (monitoring.prune, dt.timedelta(hours=settings.metrics_retention_hours)),
        (diagnosis.prune, JOBS_KEPT),
        (auth.prune_sessions, dt.timedelta(0)),
        (auth.prune_keys, JOBS_KEPT),
        (auth.prune_audit, dt.timedelta(days=settings.audit_retention_days)),
    ):
        for _ in range(PRUNE_ROUNDS):
            if not await db.write(forget, moment - kept):
                break
    await db.write(droplets.expire_tokens)


async def start(settings: Settings, server_url: str) -> Runtime:
    """Bring everything up; when this returns, requests can be answered. Raises CannotStart."""
    roles.check(settings)
    working = settings.role != "api"
    migrate.directory(settings.data_dir)
    db = Database(databases.backend(settings, events.append))
    await db.start()
    limits = ratelimit.build(settings, db)
    db.listen(limits.limiter.heard)
    drivers, fleet, desk = await _fleet(settings, db, server_url)
    live = events.Live(db)
    bus = events.build(settings, db, fleet.installation_id, consumers())
    pool = _pool(settings, db, fleet, server_url)
    beats = [*ticks_of_each(db, fleet, settings), *(ticks(db, fleet, settings) if working else [])]
    ticker = jobs.Ticker(db, pool.worker_id, beats)
    db.listen(_nudger({beat.name: beat for beat in beats}))
    await drivers.start()
    await fleet.refresh()
    await limits.start()
    gate = auth.gatekeeper(settings, db)
    gate.keyring.on_change(live.wake)
    await gate.keyring.start()
    sequencer = events.Sequencer(db)
    await live.start()
    await sequencer.start()
    await (bus.start() if working else bus.open())
    if settings.has_server():
        db.listen(jobs.heard)
        await db.read(installation.check_company, settings)
    taken = await pool.start(alone=not settings.has_server())
    if taken:
        log().warning("jobs of a process that had ended badly were taken back", jobs=taken)
    await ticker.start()
    login = auth.OidcLogin(db, gate.keyring, keyfile.keys(settings), settings)
    await login.start()
    reception = auth.reception_of(settings, gate, login)
    return Runtime(
        settings, db, live, bus, fleet, desk, pool, drivers, ticker, limits, gate, reception, sequencer, login
    )


def _pool(settings: Settings, db: Database, fleet: droplets.Fleet, url: str) -> jobs.Pool:
    slots = settings.worker_count if settings.role != "api" else 0
    return jobs.Pool(
        db,
        jobs.store_for(db.dialect),
        handlers(db, fleet),
        count=slots,
        queue=settings.worker_queue if slots else 0,
        # At least as often as silence is judged: who was not seen for that long was not there for agents to report to.
        beat_seconds=min(BEAT_SECONDS, settings.lost_after_seconds / 3) if settings.has_server() else None,
        me=jobs.Me(settings.role, clustergenie.__version__, slots, url[:255]),
    )


async def _fleet(
    settings: Settings, db: Database, server_url: str
) -> tuple[providers.Registry, droplets.Fleet, droplets.Desk]:
    """The drivers, what is done with them, and the desk where agents report."""
    droplets.plug(clusters.Members())
    keys = keyfile.keys(settings)
    name = await db.write(installation.first_things, keys.fingerprint(), settings)
    server_url = ",".join(settings.agent_urls) or server_url

    async def call(path: str, body: dict[str, Any], credential: str | None) -> tuple[int, dict[str, Any]]:
        return await desk.call(path, body, credential)

    noting: set[asyncio.Task[None]] = set()

    def on_gone(droplet_id: str) -> None:
        task = asyncio.create_task(db.write(droplets.gone, droplet_id))
        noting.add(task)
        task.add_done_callback(noting.discard)

    drivers = providers.build(settings, name, server_url=server_url, call=call, on_gone=on_gone)
    if settings.default_provider not in drivers:
        known = ", ".join(drivers)
        raise CannotStart(f"The default provider is {settings.default_provider!r}, but the providers are {known}.")
    fleet = droplets.Fleet(
        drivers,
        installation_id=name,
        tokens=droplets.Tokens(keys.first),
        server_url=server_url,
        default_provider=settings.default_provider,
        heartbeat_seconds=settings.heartbeat_seconds,
        lost_after_seconds=settings.lost_after_seconds,
        ca_pem=tls.ca(settings),
    )
    droplets.open_market(fleet.market)
    desk = droplets.Desk(db, fleet)
    return drivers, fleet, desk


def _nudger(beats: dict[str, jobs.Tick]) -> Any:
    """What happened to droplets is looked at at once, not at the next beat."""

    def nudge(name: str) -> None:
        if (beat := beats.get(name)) is not None:
            beat.nudge()

    def told(committed: list[Event]) -> None:
        kinds = {event.type for event in committed}
        if any(kind.startswith(("droplet_", "cluster_")) for kind in kinds):
            nudge("clusters")
        if kinds & {"droplet_lost", "droplet_updated"}:
            nudge("reconcile")

    return told
