"""Kill the process that works, at random moments, until every job has ended: nothing is lost and nothing is twice."""

import asyncio
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from tests.jobs.crowd import STEPS, effects
from tests.jobs.queues import Work, opened

JOBS = 120
ROOT = Path(__file__).parents[2]


def work(database: Path, lines: Path, seconds: float | None) -> bool:
    """Start the process and kill it after so long; whether it had finished before."""
    command = [sys.executable, "-m", "tests.jobs.crowd", str(database), str(lines)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while (said := process.stdout.readline()) and said != b"working\n":
            pass
        end = threading.Timer(seconds, process.kill) if seconds is not None else None
        if end is not None:
            end.start()
        process.stdout.read()
        process.wait()
        if end is not None:
            end.cancel()
    return process.returncode == 0


def test_jobs_survive_their_process_being_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    database, lines = tmp_path / "jobs.db", tmp_path / "lines"
    chance = random.Random(seed)

    async def ask() -> list[str]:
        async with opened(database, tables=[effects]) as q:
            keys = [None, None, None, "a", "b"]
            works = [Work(serial=chance.choice(keys)) for _ in range(JOBS)]
            return [(await q.add(one, max_attempts=25)).id for one in works]

    async def look(ids: list[str]) -> None:
        async with opened(database) as q:  # checks each job's events
            done = [await q.get(job_id) for job_id in ids]
            # A job that was at work at three kills in a row, each before its first write, may be given up as dead.
            assert {job.state for job in done} <= {"completed", "dead"}
            assert sum(job.state == "dead" for job in done) <= 3
            rows = await q.db.read(lambda tx: tx.execute(select(effects.c.job_id, effects.c.step)).fetchall())
            counted = Counter((row.job_id, row.step) for row in rows)
            assert set(counted.values()) == {1}
            wanted = {(job.id, step) for job in done if job.state == "completed" for step in range(STEPS)}
            assert wanted <= set(counted)
            written = {tuple(line.split()) for line in lines.read_text().splitlines()}
            assert {(job_id, str(step)) for job_id, step in wanted} <= written

    ids = asyncio.run(ask())
    kills = 0
    while kills < 12 and not work(database, lines, chance.uniform(0.0, 0.12)):
        kills += 1
    work(database, lines, None)
    asyncio.run(look(ids))
    assert kills > 0
