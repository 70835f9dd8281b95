"""The checks of this machine: what a server that runs here needs."""

import os
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from clustergenie.cli.doctor.check import Check
from clustergenie.cli.failures import Failed
from clustergenie.cli.server import borrow, settings_for, starting
from clustergenie.cli.stop import read_pid_file

LOW_BYTES = 1_000_000_000
OLDEST_PYTHON = (3, 11)
CGROUP = Path("/sys/fs/cgroup")


def python() -> Check:
    """Whether this Python is one we run on."""
    version = ".".join(map(str, sys.version_info[:3]))
    if tuple(sys.version_info) < OLDEST_PYTHON:
        return Check("python", "fail", f"{version} is too old", "use Python 3.11 or newer")
    return Check("python", "ok", f"{version} at {sys.executable}")


def checks(data_dir: Path | None) -> Iterator[Check]:
    """Everything about a server on this machine; settings that are wrong end it, since the rest follows from them."""
    try:
        settings = settings_for(data_dir=str(data_dir) if data_dir else None)
    except Failed as wrong:
        yield Check("settings", "fail", str(wrong), "correct it, then run doctor again")
        return
    yield Check("settings", "ok", f"data in {settings.data_dir}")
    home = Path(settings.data_dir)
    yield _writable(home)
    yield _disk(home)
    yield _process(home, settings)
    database = _database(settings)
    yield database
    yield _migrations(settings) if database.status == "ok" else Check("migrations", "skipped", "no database to look at")
    yield _addresses()
    yield _cgroup()


def _parent(path: Path) -> Path:
    return next((p for p in (path, *path.parents) if p.exists()), Path("/"))


def _writable(home: Path) -> Check:
    there = _parent(home)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as reason:
        return Check(
            "data dir", "fail", f"{there}: {reason.strerror}", "choose another with --data-dir, or give us the right"
        )
    return Check("data dir", "ok", f"{home} is writable" if there == home else f"{home} can be made")


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(_parent(home)).free
    why = f"{free / 1e9:.1f} GB free"
    return (
        Check("disk", "ok", why) if free > LOW_BYTES else Check("disk", "warn", why, "free some space: the log grows")
    )


def _process(home: Path, settings: Any) -> Check:
    try:
        server = read_pid_file(home / "serve.json")
    except Failed as broken:
        return Check("process", "fail", str(broken), f"delete {home / 'serve.json'}")
    if server:
        return Check("process", "ok", f"pid {server['pid']} serves {server.get('url', '')}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as reason:
            why = f"{settings.host}:{settings.port} cannot be used: {reason.strerror}"
            return Check("port", "fail", why, "stop what listens there, or choose another with --port")
    return Check("port", "ok", f"no server runs on {home}; {settings.host}:{settings.port} is free")


def _database(settings: Any) -> Check:
    return _database_server(settings) if settings.has_server() else _database_file(settings)


def _database_server(settings: Any) -> Check:
    try:
        with starting():
            found = borrow("database_server")(settings)
    except Failed as wrong:
        return Check("database", "fail", str(wrong), "start it, or correct CLUSTERGENIE_DATABASE_URL")
    return Check("database", "ok", found)


def _database_file(settings: Any) -> Check:
    path = Path(settings.database_path())
    if not path.exists():
        return Check("database", "skipped", f"{path} does not exist yet; the server makes it")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as reason:
        return Check("database", "fail", f"{path}: {reason}", "restore it from a backup")
    if verdict != "ok":
        return Check("database", "fail", f"{path}: {verdict}", "restore it from a backup")
    return Check("database", "ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB, SQLite {sqlite3.sqlite_version}")


def _migrations(settings: Any) -> Check:
    try:
        with starting():
            found = borrow("revision")(settings)
    except Failed as wrong:
        return Check("migrations", "fail", str(wrong), "clustergenie migrate up")
    if found["up_to_date"]:
        return Check("migrations", "ok", f"at {found['current']}")
    if found["current"] is None:
        return Check("migrations", "skipped", "the database is empty; the server makes the tables")
    why = f"the database is at {found['current']}, the code at {found['head']}"
    return Check("migrations", "fail", why, "clustergenie migrate up (or install the newer version)")


def _addresses() -> Check:
    with socket.socket() as probe:
        try:
            probe.bind(("127.83.71.1", 0))
        except OSError as reason:
            return Check(
                "addresses", "warn", f"127.x.y.z cannot be bound: {reason.strerror}", "droplets share 127.0.0.1"
            )
    return Check("addresses", "ok", "each local droplet gets its own 127.x.y.z")


def _cgroup() -> Check:
    if not (CGROUP / "cgroup.controllers").exists():
        fix = "boot with cgroup v2; until then sizes are watched, not enforced"
        return Check("limits", "warn", "cgroup v2 is not mounted", fix)
    wanted = {"cpu", "memory", "pids"}
    have = wanted & set((CGROUP / "cgroup.controllers").read_text().split())
    if have == wanted and os.access(CGROUP, os.W_OK):
        return Check("limits", "ok", "cgroup v2 with cpu, memory and pids: sizes are enforced")
    why = "cgroup v2 is there, but not ours to write" if have == wanted else f"no controller for {wanted - have}"
    return Check("limits", "warn", why, "run in a delegated cgroup (systemd: Delegate=yes) to have sizes enforced")


def server_code() -> Check:
    """Whether the server's own code can be loaded here."""
    try:
        import_module("clustergenie.app")
    except Exception as missing:  # noqa: BLE001 - whatever keeps it from loading is the answer
        return Check(
            "install", "fail", f"the server cannot be loaded: {missing}", "pip install --force-reinstall clustergenie"
        )
    return Check("install", "ok", "the server's code loads")
