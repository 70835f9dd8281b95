"""A process that works on jobs until it is killed or told to stop: `python -m tests.jobs.crowd DATABASE FILE`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from clustergenie import events, jobs
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.sqlite import SqliteBackend
from tests.jobs.queues import WORK, Work

STEPS = 3

effects = Table(
    "test_effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("job_id", String, nullable=False),
    Column("step", Integer, nullable=False),
)


def effect(tx: Tx, job_id: str, step: int) -> None:
    """What must happen once."""
    tx.execute(insert(effects).values(job_id=job_id, step=step))


def handler(path: Path) -> "jobs.Handler[Work]":
    """Write a row by `write_step` and a line by `step`, a few times in turn."""

    async def run(job: "jobs.Running[Work]") -> dict[str, Any]:
        async def line(step: int) -> int:
            with path.open("a") as file:
                file.write(f"{job.id} {step}\n")
            return step

        for step in range(STEPS):
            await job.write_step(f"row {step}", effect, job.id, step)
            assert await job.step(f"line {step}", lambda step=step: line(step)) == step  # type: ignore[misc]
            await job.progress(step * 30, "further")
        return {"steps": STEPS}

    return jobs.Handler(WORK, run)


async def main(database: Path, lines: Path) -> None:
    """Work until nothing is left, and say so; each restart first takes over what the last one left."""
    db = Database(SqliteBackend(database, events.append))
    await db.start()
    pool = jobs.Pool(db, jobs.SqliteStore(), [handler(lines)], count=8, queue=8)
    await pool.start(alone=True)
    sys.stdout.write("working\n")
    sys.stdout.flush()
    while True:
        state = await db.read(jobs.queue_state)
        if not state["scheduled"] + state["ready"] + state["running"]:
            break
        await asyncio.sleep(0.01)
    await pool.stop()
    await db.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
