"""Replicas and the servers they live on die under traffic: everything accepted comes true once, whatever was away."""

from pathlib import Path

import pytest

from tests.chaos import replicas

SHORT = replicas.Profile(jobs=120, clusters=4, kafka_seconds=8, redis_seconds=5, rest=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["mariadb", "postgresql"])
def test_replicas_lose_nothing_and_do_nothing_twice(tmp_path: Path, seed: int, database: str) -> None:
    story = replicas.run(tmp_path / "world", database=database, seed=seed, profile=SHORT)
    assert not story.faults, story.told()
