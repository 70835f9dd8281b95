"""`clustergenie limit` sets, shows, peeks at and deletes limits of a real server, which then hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_server import PROGRAM, LiveServer, live_server


def command(server: LiveServer, *words: str, code: int = 0) -> str:
    """What it prints on stdout, or on stderr where it fails."""
    environment = {"CLUSTERGENIE_SERVER": server.url, "HOME": str(server.data_dir.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "limit", *words], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_limits_are_set_hold_are_looked_at_and_go(tmp_path: Path) -> None:
    with live_server(tmp_path / "data") as server:
        noop = {"type": "noop", "parameters": {}}
        made = json.loads(
            command(server, "set", "jobs_create", "--scope", "user", "--rate", "0.01", "--capacity", "2", "-o", "json")
        )
        assert made["config"]["source"] == "stored"
        as_ada = {"X-User-ID": "ada"}
        statuses = [server.api.send("POST", "/jobs", noop, headers=as_ada).status for _ in range(3)]
        assert statuses == [201, 201, 429]
        seen = json.loads(command(server, "peek", "jobs_create", "ada", "-o", "json"))
        assert (seen["available"], seen["capacity"], seen["scope_type"]) == (0, 2, "user")
        assert "ada" in command(server, "peek", "jobs_create", "ada")
        assert "jobs_create" in command(server, "list")
        assert "0.01" in command(server, "get", "jobs_create", "--scope", "user")
        assert "/refill_rate" in command(server, "set", "x", "--rate=-1", "--capacity", "2", code=2)
        command(server, "delete", "jobs_create", "--scope", "user", "--yes")
        assert server.api.send("POST", "/jobs", noop, headers=as_ada).status == 201
        command(server, "get", "jobs_create", "--scope", "user", code=5)


@pytest.mark.parametrize("base", ["", "/"])
def test_a_restart_keeps_what_was_set(tmp_path: Path, base: str) -> None:
    with live_server(tmp_path / "data") as server:
        body = {"name": "jobs_create", "scope": "global", "capacity": 3, "refill_rate": 0.001}
        server.api.post(f"{base}/observability/ratelimit/config", body)
        server.kill()
        server.start()
        (rule,) = server.api.get("/observability/ratelimit/config/list")["configs"]
        assert (rule["capacity"], rule["source"]) == (3, "stored")
