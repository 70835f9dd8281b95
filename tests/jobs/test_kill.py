"""Kill the process that works, at random moments, until every job has ended: nothing is lost and nothing is twice."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.jobs.crowd import STEPS, effects
from tests.jobs.queues import Work, opened

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has

JOBS = 300
KILLS = 40
ROOT = Path(__file__).parents[2]


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
            assert {job.state for job in done} <= {"completed", "dead"}
            # Given up as dead is only what was lost three times in a row; kills come faster here than in any life.
            dead = [job for job in done if job.state == "dead"]
            assert len(dead) < JOBS / 10
            for job in dead:
                assert (await q.outcomes(job.id))[-3:] == ["lost"] * 3
            rows = await q.db.read(lambda tx: tx.execute(select(effects.c.job_id, effects.c.step)).fetchall())
            counted = Counter((row.job_id, row.step) for row in rows)
            assert set(counted.values()) == {1}
            wanted = {(job.id, step) for job in done if job.state == "completed" for step in range(STEPS)}
            assert wanted <= set(counted)
            written = {tuple(line.split()) for line in lines.read_text().splitlines()}
            assert {(job_id, str(step)) for job_id, step in wanted} <= written

    ids = asyncio.run(ask())
    command = [sys.executable, "-m", "tests.jobs.crowd", str(database), str(lines), str(seed), str(KILLS)]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=120).stdout.split()
    kills, finished = int(said[-2]), said[-1]
    assert (kills > 0, finished) == (True, b"True")
    asyncio.run(look(ids))
