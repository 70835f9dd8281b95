"""Put together what works on droplets and clusters, over a real database and a simulated cloud, for one test."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select, update

from clustergenie import clusters, droplets, jobs
from clustergenie.clusters import service as cluster_service
from clustergenie.clusters.tables import clusters as cluster_rows
from clustergenie.droplets import placing
from clustergenie.droplets.tables import droplets as droplet_rows
from clustergenie.events.tables import events as event_rows
from clustergenie.jobs.enqueue import enqueue_many
from clustergenie.jobs.tables import workers
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Problem
from clustergenie.providers import SimulatedDriver
from clustergenie.providers.simulated import Cloud, Weather
from tests import databases
from tests.waiting import poll_until_async

SWIFT = Weather(create_seconds=(0, 0), boot_seconds=(0, 0), destroy_seconds=(0, 0))
TRACE = "ab" * 16
SECONDS = 20.0
RESTING = ("active", "failed", "lost", "deleted")


class Clock:
    """Real time, moved on at will."""

    def __init__(self) -> None:
        self.ahead: Any = None

    def __call__(self) -> Any:
        return now() if self.ahead is None else now() + self.ahead


@dataclass
class Rig:
    """The parts, wired as `worker.start` does it, and what tests ask of them again and again."""

    db: Database
    clock: Clock
    driver: SimulatedDriver
    fleet: droplets.Fleet
    desk: droplets.Desk
    reconciler: droplets.Reconciler
    handlers: list[jobs.Handler[Any]]
    calls: list[tuple[str, int]] = field(default_factory=list)

    @property
    def cloud(self) -> Cloud:
        """The far side."""
        return self.driver._site.cloud

    @property
    def chaos(self) -> Any:
        """What can go wrong there."""
        return self.driver.chaos

    async def look(self) -> droplets.Reconciler | Any:
        """One round of what is done every few seconds."""
        verdict = await self.reconciler.round()
        await clusters.round_of_all(self.db)
        return verdict

    async def later(self, **span: float) -> None:
        """Let time pass at once, in which the process did not sleep."""
        self.clock.ahead = (self.clock.ahead or dt.timedelta()) + dt.timedelta(**span)
        await self.db.write(lambda tx: tx.execute(update(workers).values(seen_at=tx.now)))

    async def ask(self, kind: str, **parameters: Any) -> jobs.Job:
        """Accept a job as POST /jobs does. Raises what stands in its way."""
        declared = jobs.public(kind)
        request = jobs.Enqueue(declared, jobs.understand(declared, parameters), TRACE)
        (answer,) = await self.db.write(enqueue_many, [request])
        if isinstance(answer, Problem):
            raise answer
        return answer.job

    async def cluster(self, name: str = "web", of: int = 0, **spec: Any) -> str:
        """A cluster `of` that many droplets, which a job has been asked to make."""
        made = await self.db.write(cluster_service.create, clusters.ClusterSpec(name, **spec))
        if of:
            await self.ask("scale", cluster_id=made.id, target_size=of)
        return made.id

    async def job(self, job_id: str) -> jobs.Job:
        """The job as it is."""
        return await self.db.read(jobs.get, job_id)

    async def ended(self, job: jobs.Job | str, seconds: float = SECONDS) -> jobs.Job:
        """The job once it has ended."""
        job_id = job if isinstance(job, str) else job.id

        async def seen() -> jobs.Job:
            found = await self.job(job_id)
            assert found.status not in ("pending", "running"), found
            return found

        return await poll_until_async(seen, seconds)

    async def rows(self, **wanted: Any) -> list[Any]:
        """Rows of droplets, oldest first; deleted ones only when asked for."""
        query = select(droplet_rows).order_by(droplet_rows.c.created_at, droplet_rows.c.id)
        for name, value in wanted.items():
            query = query.where(droplet_rows.c[name] == value)
        if "status" not in wanted and "id" not in wanted:
            query = query.where(droplet_rows.c.status != "deleted")
        return await self.db.read(lambda tx: list(tx.execute(query)))

    async def row(self, droplet_id: str) -> Any:
        """One droplet's row."""
        (found,) = await self.rows(id=droplet_id)
        return found

    async def shape(self, cluster_id: str) -> Any:
        """The cluster as it is."""
        return await self.db.read(clusters.get, cluster_id)

    async def backoff(self, cluster_id: str) -> tuple[int, Any]:
        """How often healing failed in a row, and when it is tried again."""
        query = select(cluster_rows.c.heal_failures, cluster_rows.c.heal_after).where(cluster_rows.c.id == cluster_id)
        return await self.db.read(lambda tx: tuple(tx.execute(query).one()))

    def tags(self) -> list[str]:
        """The droplet id on each machine there is."""
        return sorted(vm.tag for vm in self.cloud.machines.values())

    async def faults(self) -> list[str]:
        """What is not as it must be once nothing is going on any more."""
        found = await self.db.read(_faults)
        active = sorted(row.id for row in await self.rows(status="active"))
        if self.tags() != active:
            found.append(f"machines {self.tags()} are not the active droplets {active}")
        return found

    async def settled(self, cluster_id: str, wanted: int, seconds: float = SECONDS) -> None:
        """Wait until the cluster is healthy at this size, and hold it to what must be true then."""

        async def seen() -> bool:
            cluster = await self.shape(cluster_id)
            assert cluster.status in ("healthy", "empty"), cluster
            assert cluster.wanted_size == cluster.active == len(cluster.droplets) == wanted, cluster
            assert not await self.faults(), await self.faults()
            assert not await self.db.read(jobs.live_of_cluster, cluster_id)
            return True

        assert await poll_until_async(seen, seconds)

    async def until(self, seen: Callable[[], Awaitable[Any]], seconds: float = SECONDS) -> Any:
        """The first truthy answer."""
        return await poll_until_async(seen, seconds)


def _faults(tx: Tx) -> list[str]:
    known = select(
        event_rows.c.key, func.count().label("n"), func.min(event_rows.c.seq).label("low"),
        func.max(event_rows.c.seq).label("high"),
    ).group_by(event_rows.c.key)  # fmt: skip
    told = {row.key: row for row in tx.execute(known)}
    gaps = [f"the events of {key} have gaps: {row}" for key, row in told.items() if (row.low, row.high) != (1, row.n)]
    subjects = [*_versions(tx, droplet_rows), *_versions(tx, cluster_rows)]
    behind = [f"{key} is at {version}, its events are not" for key, version in subjects if told[key].high != version]
    live = jobs.is_live(tx, set(tx.execute(select(droplet_rows.c.job_id)).scalars()))
    forsaken = [
        f"{row.id} is {row.status}, and its job has ended"
        for row in tx.execute(select(droplet_rows).where(droplet_rows.c.status.not_in(RESTING)))
        if row.job_id not in live
    ]
    holding = select(droplet_rows.c.id).where(droplet_rows.c.status == "deleted", droplet_rows.c.live_name.is_not(None))
    return gaps + behind + forsaken + [f"{key} is deleted, and holds its name" for key in tx.execute(holding).scalars()]


def _versions(tx: Tx, table: Table) -> list[tuple[str, int]]:
    return [(row.id, row.version) for row in tx.execute(select(table.c.id, table.c.version))]


@asynccontextmanager
async def parts(path: Path, weather: Weather | None = None, **fleet_settings: Any) -> AsyncIterator[Rig]:
    """The parts without anybody who works: for handlers and ticks that a test drives itself."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "test.db").unlink(missing_ok=True)
    databases.prepare(path / "test.db")
    clock = Clock()
    async with (
        databases.running(path / "test.db", clock=clock) as db,
        _wired(db, clock, weather, fleet_settings) as rig,
    ):
        yield rig


@asynccontextmanager
async def _wired(
    db: Database, clock: Clock, weather: Weather | None, fleet_settings: dict[str, Any]
) -> AsyncIterator[Rig]:
    droplets.plug(clusters.Members())
    calls: list[tuple[str, int]] = []
    gone: set[asyncio.Task[None]] = set()

    async def call(where: str, body: dict[str, Any], credential: str | None) -> tuple[int, dict[str, Any]]:
        status, reply = await desk.call(where, body, credential)
        calls.append((where, status))
        return status, reply

    def on_gone(droplet_id: str) -> None:
        task = asyncio.create_task(db.write(droplets.gone, droplet_id))
        gone.add(task)
        task.add_done_callback(gone.discard)

    driver = SimulatedDriver("simulated", "cg-test", call=call, weather=weather or copy(SWIFT), on_gone=on_gone)
    fleet = _fleet(driver, fleet_settings)
    desk = droplets.Desk(db, fleet)
    await driver.start()
    await fleet.refresh()
    try:
        yield Rig(db, clock, driver, fleet, desk, droplets.Reconciler(db, fleet), _handlers(fleet), calls)
    finally:
        await driver.close()
        await asyncio.gather(*gone)


def _fleet(driver: SimulatedDriver, settings: dict[str, Any]) -> droplets.Fleet:
    fleet = droplets.Fleet(
        {"simulated": driver},
        installation_id="cg-test",
        tokens=droplets.Tokens(b"secret"),
        server_url="http://127.0.0.1:1",
        default_provider="simulated",
        **{"heartbeat_seconds": 0.1, "lost_after_seconds": 20.0, "enroll_seconds": 10.0, **settings},
    )
    placing.open_market(fleet.market)
    return fleet


def _handlers(fleet: droplets.Fleet) -> list[jobs.Handler[Any]]:
    return [
        droplets.provision_handler(fleet),
        droplets.destroy_handler(fleet),
        clusters.scale_handler(fleet),
        clusters.heal_handler(fleet),
        clusters.delete_handler(fleet),
    ]


def copy(weather: Weather) -> Weather:
    """Conditions that a test may change."""
    return Weather(**{name: getattr(weather, name) for name in weather.__struct_fields__})


@asynccontextmanager
async def at_work(rig: Rig, *, ticking: bool = True) -> AsyncIterator[None]:
    """A pool, and what is done every few seconds; a round that fails fails the test."""
    failures: list[Exception] = []

    async def look() -> None:
        try:
            await rig.look()
        except Exception as failure:  # noqa: BLE001 - kept for the end
            failures.append(failure)

    beat = None if databases.ON_SQLITE else min(2.0, rig.fleet.lost_after_seconds / 3)
    pool = jobs.Pool(rig.db, jobs.store_for(rig.db.dialect), rig.handlers, count=8, queue=8, beat_seconds=beat)
    await pool.start(alone=True)
    ticker = jobs.Ticker(rig.db, pool.worker_id, [jobs.Tick("look", 0.05, look)] if ticking else [])
    await ticker.start()
    try:
        yield
    finally:
        await ticker.stop()
        await pool.stop()
    assert not failures, failures


@asynccontextmanager
async def working(
    path: Path, weather: Weather | None = None, *, ticking: bool = True, **fleet_settings: Any
) -> AsyncIterator[Rig]:
    """The parts at work."""
    async with parts(path, weather, **fleet_settings) as rig, at_work(rig, ticking=ticking):
        yield rig


def play(
    path: Path,
    scenario: Callable[[Rig], Coroutine[Any, Any, None]],
    weather: Weather | None = None,
    **settings: Any,
) -> None:
    """Run a scenario with the parts at work."""

    async def run() -> None:
        async with working(path, weather, **settings) as rig, asyncio.timeout(60):
            await scenario(rig)

    asyncio.run(run())
