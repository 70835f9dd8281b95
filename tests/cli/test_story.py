"""The command line on a real server with real droplets, as its user has it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import poll_until

PROGRAM = str(Path(sys.executable).with_name("clustergenie"))


class Place:
    """A data directory, and command lines that act on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CLUSTERGENIE_")}
        self.environment = {**kept, "HOME": str(home), "CLUSTERGENIE_DATA_DIR": str(home / "data")}
        self.environment |= {"CLUSTERGENIE_HEARTBEAT_SECONDS": "1", "CLUSTERGENIE_PORT": "0"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=200)

    def told(self) -> dict[str, object] | None:
        """What the server wrote about itself."""
        note = self.home / "data" / "serve.json"
        return json.loads(note.read_text()) if note.exists() else None


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path)
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([PROGRAM, "serve"], env=one.environment, stdout=log, stderr=log, cwd=tmp_path)
    try:
        told = poll_until(lambda: one.told() or server.poll() is not None)
        assert isinstance(told, dict), (tmp_path / "log").read_text()
        one.environment["CLUSTERGENIE_SERVER"] = str(told["url"])
        poll_until(lambda: one.run("api", "GET", "/readyz").returncode == 0)
        yield one
    finally:
        stopped = one.run("stop", "--droplets")
        server.wait(30)
    assert stopped.returncode == 0, stopped.stderr


def test_the_demo_plays_to_its_end_and_leaves_nothing(place: Place) -> None:
    before = place.run("cluster", "list", "-o", "name").stdout
    played = place.run("demo", "--droplets", "2", "-o", "json")
    assert played.returncode == 0, played.stderr
    acts = [act["act"] for act in json.loads(played.stdout)["acts"]]
    assert acts == ["provision", "burn", "scale", "death noticed", "healed", "delete"]
    assert place.run("cluster", "list", "-o", "name").stdout == before
    assert json.loads(place.run("droplet", "list", "-o", "json").stdout) == []
    checked = place.run("doctor")
    assert checked.returncode == 0, checked.stdout


def test_a_cluster_lives_by_its_name(place: Place) -> None:
    assert place.run("cluster", "create", "web", "--wanted-size", "2", "--wait").returncode == 0
    assert place.run("cluster", "create", "web").returncode == 6
    assert len(place.run("droplet", "list", "--cluster", "web", "-o", "name").stdout.split()) == 2
    assert place.run("health", "web", "--detailed-exitcode").returncode == 0
    assert place.run("diagnose", "web", "-o", "json").returncode == 0
    assert place.run("job", "create", "monitor", "--cluster", "web", "--wait").returncode == 0
    assert place.run("cluster", "scale", "web", "1", "--wait").returncode == 0
    name = json.loads(place.run("droplet", "list", "--cluster", "web", "-o", "json").stdout)[0]["name"]
    assert place.run("droplet", "exec", name, "--", "sh", "-c", "exit 9").returncode == 9
    assert place.run("metrics", "post", "queue_depth", "4", "--cluster", "web", "--unit", "jobs").returncode == 0
    assert "queue_depth" in place.run("metrics", "types", "--cluster", "web").stdout
    loaded = place.run("loadgen", "--cluster", "web", "--rate", "40", "--seconds", "0.5", "--follow", "-o", "json")
    assert (loaded.returncode, json.loads(loaded.stdout)["errors"]) == (0, 0), loaded.stderr
    assert place.run("cluster", "delete", "web", "--yes", "--wait").returncode == 0
    assert place.run("cluster", "get", "web").returncode == 5


def test_a_schedule_is_made_paused_and_deleted(place: Place) -> None:
    made = place.run("schedule", "create", "nightly", "--cron", "0 3 * * *", "--type", "noop")
    assert made.returncode == 0, made.stderr
    changed = place.run("schedule", "update", "nightly", "--paused", "-o", "json")
    assert json.loads(changed.stdout)["schedule"]["paused"] is True
    assert place.run("schedule", "delete", "nightly", "--yes").returncode == 0
    assert json.loads(place.run("schedule", "list", "-o", "json").stdout) == []
