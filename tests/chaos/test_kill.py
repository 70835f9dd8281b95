"""kill -9 the control plane at random and at chosen moments, under traffic: everything accepted comes true."""

from pathlib import Path

import pytest

from tests.chaos import kill


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_nothing_and_leave_nothing_behind(tmp_path: Path, seed: int) -> None:
    story = kill.run(tmp_path / "data", kills=100, seed=seed)
    assert not story.faults, story.told()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nor_do_fifteen_kills_with_real_machines(tmp_path: Path, seed: int) -> None:
    story = kill.run(tmp_path / "data", kills=15, seed=seed, provider="local", most=14)
    assert not story.faults, story.told()
