"""Make new worlds with a rig in each, for handlers that are failed at every step."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select, update

from clustergenie import jobs
from clustergenie.jobs.server_store import ServerStore
from clustergenie.jobs.tables import jobs as rows
from clustergenie.platform.db import Tx
from tests.droplets.rig import TRACE, Rig, at_work, parts
from tests.faults import Mode, World, run_twice_from_every_step, run_with_fault_at_every_step

_numbers = itertools.count()


class Start(NamedTuple):
    """A job about to begin, and how many droplets must be left in its cluster; `prepare(tx, job_id)` comes last."""

    kind: str
    parameters: dict[str, Any]
    cluster_id: str | None = None
    wanted: int = 0
    prepare: Callable[[Tx, str], None] | None = None


Arrange = Callable[[Rig], Awaitable[Start]]
"""Brings a rig to where the job begins."""


def part(store: jobs.Store, kind: str, *, mine: bool) -> jobs.Store:
    """Takes only jobs of one kind, or only those of all others."""
    if not isinstance(store, ServerStore):
        return Part(store, kind, mine=mine)
    # Whatever is committed while it claims must be out of its sight as well.
    column = store._next.selected_columns.type
    return ServerStore(store._next.where((column == kind) if mine else (column != kind)), store._claiming)


class Part:
    """As `part`, where one transaction is all there is at a time."""

    def __init__(self, store: jobs.Store, kind: str, *, mine: bool) -> None:
        self._store = store
        self._hidden = (rows.c.type != kind) if mine else (rows.c.type == kind)

    def claim(self, tx: Tx, worker_id: str, limit: int) -> list[jobs.Claimed]:
        """As the real store does, with the others out of sight."""
        ready = [*tx.execute(select(rows.c.id).where(rows.c.state == "ready", self._hidden)).scalars()]
        tx.execute(update(rows).where(rows.c.id.in_(ready)).values(state="hidden"))
        claimed = self._store.claim(tx, worker_id, limit)
        tx.execute(update(rows).where(rows.c.id.in_(ready)).values(state="ready"))
        return claimed

    def promote(self, tx: Tx, limit: int) -> int:
        """As the real store does."""
        return self._store.promote(tx, limit)


@dataclass
class Played(World):
    """A world with its rig, and what must be true in the end."""

    rig: Rig | None = None
    pool: jobs.Pool | None = None
    cluster_id: str | None = None
    wanted: int = 0


async def survives_everything(
    path: Path, arrange: Arrange, at_least: int, modes: Sequence[Mode] = ("raise", "kill"), *, twice: bool = True
) -> None:
    """Fail, kill and hold up the job at every point; in the end machines, rows and wishes agree.

    `at_least` is how many points there must be, so that a handler that loses its steps is noticed.
    """

    @asynccontextmanager
    async def make() -> AsyncIterator[Played]:
        async with parts(path / f"world-{next(_numbers)}") as rig:
            async with at_work(rig):
                start = await arrange(rig)
            declared = jobs.find(start.kind)
            assert declared is not None
            job_id = f"job-{start.kind}-1"
            request = jobs.Enqueue(declared, jobs.understand(declared, start.parameters), TRACE, job_id=job_id)
            if start.prepare is not None:
                await rig.db.write(start.prepare, job_id)
            handler = next(one for one in rig.handlers if one.kind is declared)
            others = [one for one in rig.handlers if one is not handler]
            # The job may wait for other jobs, so those have a worker of their own until the job has ended.
            pool = jobs.Pool(
                rig.db, part(jobs.store_for(rig.db.dialect), start.kind, mine=False), others, count=4, queue=4
            )
            await pool.start(alone=True)
            try:
                yield Played(
                    rig.db, handler, request, store=part(jobs.store_for(rig.db.dialect), start.kind, mine=True),
                    rig=rig, pool=pool, cluster_id=start.cluster_id, wanted=start.wanted,
                )  # fmt: skip
            finally:
                if not pool.snapshot()["stopping"]:
                    await pool.stop()

    plays = [run_with_fault_at_every_step(make, see, modes=[mode]) for mode in modes]
    tried = await asyncio.gather(*plays, *([run_twice_from_every_step(make, see)] if twice else []))
    assert all(len(points) >= at_least for points in tried), tried


async def see(world: Played) -> object:
    """What is left once everything has come to rest."""
    rig = world.rig
    assert rig is not None
    assert world.pool is not None
    await world.pool.stop()
    async with at_work(rig):
        if world.cluster_id is not None:
            await rig.settled(world.cluster_id, world.wanted)
        await rig.until(lambda: at_rest(rig))
    return [row.status for row in await rig.rows()], rig.tags() == sorted(row.id for row in await rig.rows())


async def at_rest(rig: Rig) -> bool:
    """Whether machines are droplets, and no droplet is on its way."""
    assert not await rig.faults(), await rig.faults()
    there = await rig.rows()
    assert {row.machine_ref for row in there} == {vm.ref for vm in rig.cloud.machines.values()}
    return all(row.status == "active" for row in there)
