"""Killed at any moment, again and again: what was accepted is kept, each effect happened once and in order."""

import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.events.storm import GROUPS, KEYS, PICKY

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has

ROUNDS = 5


def run(path: Path, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.events.storm", str(path), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed_after(path: Path, lines: int) -> list[tuple[str, int]]:
    """Start the storm, kill it once it has accepted that many events; what it had accepted by then."""
    process = run(path, "storm")
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first == "ready\n", process.stderr.read()
        accepted = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        accepted += process.stdout.readlines()
        process.wait()
        process.stderr.close()
        process.stdout.close()
    finally:
        watchdog.cancel()
    # The last line may be cut in two by the kill; a caller would not take that for an answer.
    words = [line.split() for line in accepted if line.startswith("accepted ") and line.endswith("\n")]
    return [(key, int(seq)) for _, key, seq in words]


def test_an_accepted_event_is_kept_and_its_effect_happens_once_in_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "a.db"
    accepted: list[tuple[str, int]] = []
    for _ in range(ROUNDS):
        accepted += killed_after(path, chance.randint(10, 200))
    drained = run(path, "drain")
    assert drained.communicate(timeout=60) is not None
    assert drained.returncode == 0

    connection = sqlite3.connect(path)
    logged = connection.execute("SELECT key, seq FROM events ORDER BY id").fetchall()
    assert set(accepted) <= set(logged)
    assert len(accepted) == len(set(accepted))
    ids = [row[0] for row in connection.execute("SELECT id FROM events ORDER BY id")]
    assert ids == list(range(1, len(ids) + 1))
    for key in KEYS:
        assert [seq for name, seq in logged if name == key] == list(
            range(1, 1 + len([1 for row in logged if row[0] == key]))
        )
    for group in GROUPS:
        effects = connection.execute(
            "SELECT key, seq FROM effects WHERE consumer_group = ? ORDER BY id", (group,)
        ).fetchall()
        refused = connection.execute(
            "SELECT key, json_extract(event, '$.seq') FROM event_dead_letters WHERE consumer_group = ? ORDER BY id",
            (group,),
        ).fetchall()
        should_refuse = [(key, seq) for key, seq in logged if group == "picky" and seq % PICKY == 0]
        # The log is the order of each key, and the two groups see it whole: effects and refusals together are the log.
        assert effects == [event for event in logged if event not in set(should_refuse)]
        assert refused == should_refuse
    connection.close()
