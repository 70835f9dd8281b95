"""A server that cannot start says why in one sentence on stderr, and leaves everything as it was."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.live_server import PROGRAM, LiveServer, free_port

Refusal = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refusal:
    """Starts a server that must not come up; its sentence."""

    def start(data_dir: Path | str, *flags: str, **environment: str) -> str:
        command = [sys.executable, "-c", PROGRAM, "serve", "--data-dir", str(data_dir), *flags]
        told = subprocess.run(
            command, env={**os.environ, **environment}, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert told.returncode not in (0, None), told
        assert "Traceback" not in told.stdout + told.stderr
        lines = told.stderr.strip().splitlines()
        assert len(lines) == 1, told.stderr
        assert lines[0].endswith("."), lines[0]
        return lines[0]

    return start


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A data directory whose database a server has made."""
    server = LiveServer(tmp_path / "data", free_port()).start()
    server.terminate()
    return server.data_dir


def test_a_port_in_use(tmp_path: Path, refused: Refusal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        sentence = refused(tmp_path / "data", "--port", port)
    assert port in sentence
    assert "--port" in sentence
    assert not (tmp_path / "data" / "clustergenie.db").exists()


@pytest.mark.parametrize("place", ["below a file", "/proc/clustergenie", "/sys/clustergenie"])
def test_a_data_directory_that_cannot_be_made(tmp_path: Path, refused: Refusal, place: str) -> None:
    if place == "below a file":
        (tmp_path / "file").write_text("")
        place = str(tmp_path / "file" / "data")
    sentence = refused(place, "--port", "0")
    assert place in sentence
    assert "--data-dir" in sentence


def test_a_data_directory_that_cannot_be_written(refused: Refusal) -> None:
    sentence = refused("/proc/self/net", "--port", "0")  # is there, and takes no files, not even of root
    assert "/proc/self/net" in sentence
    assert "--data-dir" in sentence


def test_a_database_from_a_newer_version(prepared: Path, refused: Refusal) -> None:
    database = prepared / "clustergenie.db"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    sentence = refused(prepared, "--port", "0")
    assert "9999" in sentence
    assert "newer" in sentence
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


@pytest.mark.parametrize(
    "content", [b"this is not a database at all, whatever its name says" * 20, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_database(tmp_path: Path, refused: Refusal, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clustergenie.db").write_bytes(content)
    sentence = refused(tmp_path / "data", "--port", "0")
    assert "clustergenie.db" in sentence
    assert (tmp_path / "data" / "clustergenie.db").read_bytes() == content


def test_a_second_process_on_the_same_data(start: Callable[..., LiveServer], refused: Refusal) -> None:
    server = start()
    sentence = refused(server.data_dir, "--port", "0")
    assert str(server.pid) in sentence
    assert server.is_ready()
    assert server.api.post("/clusters", {"name": "still mine"})["message"] == "created"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLUSTERGENIE_WORKER_COUNT", "0"),
        ("CLUSTERGENIE_WORKER_COUNT", "many"),
        ("CLUSTERGENIE_PORT", "99999"),
        ("CLUSTERGENIE_HOST", "192.0.2.1"),
        ("CLUSTERGENIE_PROVIDERS", "clouds"),
        ("CLUSTERGENIE_DEFAULT_PROVIDER", "nowhere"),
        ("CLUSTERGENIE_DATABASE_URL", "oracle://x"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_a_setting_that_is_wrong(tmp_path: Path, refused: Refusal, name: str, value: str) -> None:
    flags = [] if name == "CLUSTERGENIE_PORT" else ["--port", "0"]
    sentence = refused(tmp_path / "data", *flags, **{name: value})
    assert value.split(":")[0] in sentence


@pytest.mark.parametrize("content", ["", "short", "zz" * 32])
def test_a_secret_that_is_damaged(prepared: Path, refused: Refusal, content: str) -> None:
    (prepared / "secret.key").write_text(content)
    assert "secret" in refused(prepared, "--port", "0")


def test_simulated_machines_that_are_damaged(prepared: Path, refused: Refusal) -> None:
    (prepared / "simulated" / "machines.jsonl").write_text("{nonsense}\n")
    assert "machines.jsonl" in refused(prepared, "--port", "0")
