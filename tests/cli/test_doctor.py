import json
from email.utils import formatdate
from pathlib import Path

import pytest

from clustergenie import __version__
from tests import databases
from tests.cli.conftest import Cli
from tests.cli.samples import page
from tests.client.toy_api import ToyApi, problem

POOL = {
    "worker_count": 4,
    "active_workers": 1,
    "queue": {
        "ready": 2,
        "running": 1,
        "oldest_ready_seconds": 0.1,
        "workers": [{"id": "worker-1", "lease_until": "2999-01-01T00:00:00Z"}],
    },
}


@pytest.fixture(autouse=True)
def _well(api: ToyApi) -> None:
    api.on("GET", "//healthz", (200, {"status": "ok"}, {"X-ClusterGenie-Version": __version__}))
    api.on("GET", "//readyz", {"status": "ok", "checks": {"database": "ok"}})
    api.on("GET", "//observability/workerpool", POOL)
    api.on("GET", "//observability/bus", {"dead_letters": 0})
    api.on("GET", "/clusters", page("clusters"))


def checks(cli: Cli) -> dict[str, tuple[str, str, str]]:
    said = cli("doctor", "-o", "json")
    rows = json.loads(said.out)
    assert said.code == (1 if any(row["status"] == "fail" for row in rows) else 0)
    return {row["name"]: (row["status"], row["why"], row["fix"]) for row in rows}


def test_a_well_server_passes_every_check_of_it(cli: Cli) -> None:
    found = checks(cli)
    well = ("server", "version", "clock", "ready", "ready: database", "api", "workers", "queue", "leases", "bus")
    assert {name: found[name][0] for name in well} == dict.fromkeys(well, "ok")
    assert {found[name][0] for name in ("python", "settings", "data dir", "port")} == {"ok"}


def test_every_failure_says_how_to_fix_it(api: ToyApi, cli: Cli) -> None:
    old = formatdate(1_000_000_000, usegmt=True)
    api.on("GET", "//healthz", (200, {}, {"X-ClusterGenie-Version": "9.9.9", "Date": old}))
    api.on("GET", "//readyz", problem(503, "not-ready", "The database is locked.", checks={"database": "locked"}))
    lost = [{"id": "worker-7", "lease_until": "2001-01-01T00:00:00Z"}]
    api.on("GET", "//observability/workerpool", {**POOL, "queue": {"oldest_ready_seconds": 600, "workers": lost}})
    api.on("GET", "//observability/bus", {"dead_letters": 3})
    found = checks(cli)
    bad = {
        "version": "warn",
        "ready": "fail",
        "ready: database": "fail",
        "queue": "warn",
        "leases": "warn",
        "bus": "warn",
    }
    assert {name: found[name][0] for name in bad} == bad
    assert all(fix for status, _, fix in found.values() if status in {"warn", "fail"})
    assert "worker-7" in found["leases"][1]


def test_for_people_the_fix_stands_below_the_check(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "//observability/bus", {"dead_letters": 3})
    lines = cli("doctor").out.splitlines()
    number = next(n for n, line in enumerate(lines) if line.split()[:2] == ["warn", "bus"])
    assert lines[number + 1].strip() == "fix: clustergenie events dlq list"


def test_without_a_server_the_machine_is_still_looked_at(
    cli: Cli, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTERGENIE_SERVER", f"http://127.0.0.1:{free_port}")
    found = checks(cli)
    assert found["server"][0] == "fail"
    assert "clustergenie serve" in found["server"][2]
    assert found["data dir"][0] == "ok"


def test_a_broken_database_and_a_wrong_setting_are_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clustergenie.db").write_bytes(b"not a database" * 100)
    assert checks(cli)["database"][0] == "fail"
    monkeypatch.setenv("CLUSTERGENIE_WORKER_COUNT", "many")
    assert "CLUSTERGENIE_WORKER_COUNT" in checks(cli)["settings"][1]


@pytest.mark.parametrize(("kind", "product"), [("mariadb", "MariaDB"), ("postgresql", "PostgreSQL")])
def test_the_database_that_is_looked_at_is_the_one_that_the_settings_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, kind: str, product: str
) -> None:
    server = databases.bare(kind)
    url = server.url.set(drivername=server.url.get_backend_name())
    monkeypatch.setenv("CLUSTERGENIE_DATABASE_URL", url.render_as_string(hide_password=False))
    empty = checks(cli)
    assert empty["database"][:2] == ("ok", f"{server}, {product} {server.version.text}")
    assert (empty["migrations"][0], "empty" in empty["migrations"][1]) == ("skipped", True)
    cli("migrate", "up")
    assert checks(cli)["migrations"][0] == "ok"
    lost = url.set(database="nowhere", password="correct-horse")
    monkeypatch.setenv("CLUSTERGENIE_DATABASE_URL", lost.render_as_string(hide_password=False))
    gone = checks(cli)
    assert (gone["database"][0], gone["migrations"][0]) == ("fail", "skipped")
    assert "correct-horse" not in str(gone)
