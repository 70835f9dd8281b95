"""Work on jobs in a child that is killed again and again: `python -m tests.jobs.crowd DATABASE FILE SEED KILLS`.

The parent only forks, so that each new worker costs a few milliseconds instead of the imports of a whole program.
"""

import asyncio
import os
import random
import signal
import sys
import time
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


async def work(database: Path, lines: Path, working: int) -> None:
    """Work until nothing is left; each start first takes over what the one before has left."""
    db = Database(SqliteBackend(database, events.append))
    await db.start()
    pool = jobs.Pool(db, jobs.SqliteStore(), [handler(lines)], count=8, queue=8)
    await pool.start(alone=True)
    os.write(working, b".")
    while True:
        state = await db.read(jobs.queue_state)
        if not state["scheduled"] + state["ready"] + state["running"]:
            break
        await asyncio.sleep(0.01)
    await pool.stop()
    await db.stop()


def child(database: Path, lines: Path, seconds: float | None) -> bool:
    """Start a worker and kill it so long after it began; whether it had finished before."""
    began, working = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(began)
        code = 1
        try:
            asyncio.run(work(database, lines, working))
            code = 0
        finally:
            os._exit(code)
    os.close(working)
    os.read(began, 1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    os.close(began)
    return os.waitpid(pid, 0)[1] == 0


def main(database: Path, lines: Path, seed: int, most: int) -> None:
    """Kill workers at random moments, at most so often; then let one finish. Prints how many were killed."""
    chance = random.Random(seed)
    kills = 0
    while kills < most and not child(database, lines, chance.uniform(0.0, 0.06)):
        kills += 1
    sys.stdout.write(f"{kills} {child(database, lines, None)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
