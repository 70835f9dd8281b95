"""The fault harness itself: a good handler passes, and each kind of carelessness is caught."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

from clustergenie import jobs
from clustergenie.platform.db import Tx
from tests.faults import World, run_twice_from_every_step, run_with_fault_at_every_step
from tests.jobs.queues import WORK, Work, item, opened

rows = Table(
    "test_rows", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(64), nullable=False)
)


def put(tx: Tx, name: str) -> int:
    tx.execute(insert(rows).values(name=name))
    return tx.execute(select(func.count()).select_from(rows)).scalar_one()


class Cloud(World):
    """A world with a cloud that knows its machines by key."""

    machines: list[str]


Run = Callable[["jobs.Running[Work]", list[str]], Awaitable[None]]


def played(tmp_path: Path, run: Run) -> tuple[Any, Any]:
    count = iter(range(10_000))

    @asynccontextmanager
    async def make() -> AsyncIterator[Cloud]:
        machines: list[str] = []

        async def handle(job: "jobs.Running[Work]") -> None:
            await run(job, machines)

        async with opened(tmp_path / f"{next(count)}.db", tables=[rows]) as queue:
            world = Cloud(queue.db, jobs.Handler(WORK, handle), item())
            world.machines = machines
            yield world

    async def see(world: Cloud) -> object:
        return sorted(world.machines), await world.db.read(
            lambda tx: tx.execute(select(rows.c.name).order_by(rows.c.id)).scalars().all()
        )

    return make, see


async def careful(job: "jobs.Running[Work]", machines: list[str]) -> None:
    async def order() -> str:
        if "machine" not in machines:
            machines.append("machine")
        return "machine"

    await job.progress(10, "started")
    name = await job.step("order", order)
    await job.write_step("note", put, name)
    await job.progress(100, "done")


def test_a_handler_whose_acts_are_idempotent_ends_the_same_whatever_happens(tmp_path: Path) -> None:
    make, see = played(tmp_path, careful)
    points = asyncio.run(run_with_fault_at_every_step(make, see))
    assert points == [
        "before progress 10",
        "after progress 10",
        "before step order",
        "between the act and the note of step order",
        "after step order",
        "before write_step note",
        "after write_step note",
        "before progress 100",
        "after progress 100",
    ]
    assert asyncio.run(run_twice_from_every_step(make, see)) == points


async def orders_blindly(job: "jobs.Running[Work]", machines: list[str]) -> None:
    async def order() -> None:
        machines.append("machine")

    await job.step("order", order)


async def writes_twice(job: "jobs.Running[Work]", _machines: list[str]) -> None:
    await job.write(put, "first")
    await job.progress(50, "half")


async def swallows(job: "jobs.Running[Work]", machines: list[str]) -> None:
    try:
        await job.progress(10, "started")
    except Exception:  # noqa: BLE001 - the carelessness under test
        machines.append("went on without its lease")


@pytest.mark.parametrize("careless", [orders_blindly, writes_twice])
def test_an_act_that_is_not_idempotent_is_caught(tmp_path: Path, careless: Run) -> None:
    make, see = played(tmp_path, careless)
    with pytest.raises(AssertionError, match="ended as"):
        asyncio.run(run_with_fault_at_every_step(make, see))


@pytest.mark.parametrize("careless", [orders_blindly, swallows])
def test_a_worker_that_acts_after_it_lost_its_job_is_caught(tmp_path: Path, careless: Run) -> None:
    make, see = played(tmp_path, careless)
    with pytest.raises(AssertionError, match="ended as"):
        asyncio.run(run_twice_from_every_step(make, see))
