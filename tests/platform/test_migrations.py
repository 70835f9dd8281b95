"""The schema moves up and down with rows in it, is what the code describes, and costs nothing once it is there."""

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import clustergenie
from clustergenie.platform import migrate
from clustergenie.platform.config import Settings, load
from clustergenie.platform.db import metadata
from clustergenie.platform.sqlite import engine_for
from tests.live_server import LiveServer, free_port

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has

for tables in Path(clustergenie.__file__).parent.glob("*/tables.py"):
    importlib.import_module(f"clustergenie.{tables.parent.name}.tables")  # so that `metadata` knows all of them


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"data_dir": str(tmp_path / "data")}, {})


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which a server has worked: there are rows in nearly every table."""
    server = LiveServer(tmp_path_factory.mktemp("used") / "data", free_port())
    try:
        api = server.start().api
        api.job(api.post("/clusters", {"name": "used", "wanted_size": 3, "provider": "simulated"})["job"]["id"])
        api.job(api.post("/jobs", {"type": "diagnose", "parameters": {"cluster_id": "cluster-1"}})["job"]["id"])
        api.post("/schedules", {"name": "nightly", "cron": "0 3 * * *", "type": "noop", "time_zone": "Europe/Berlin"})
        server.terminate()
    finally:
        server.cleanup()
    return server.data_dir


@pytest.fixture
def lived_in(used: Path, tmp_path: Path) -> Settings:
    """A copy of it, for one test."""
    return load({"data_dir": str(shutil.copytree(used, tmp_path / "lived in"))}, {})


def schema(settings: Settings) -> set[tuple[str, ...]]:
    """Every table and index, as SQLite keeps them."""
    with closing(sqlite3.connect(settings.database_path())) as db:
        rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        return {(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows}


def rows(settings: Settings) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(settings.database_path())) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in found if not name.startswith("sqlite_")]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608


def test_up_to_the_head_down_to_nothing_and_up_again(lived_in: Settings) -> None:
    before = schema(lived_in)
    full = rows(lived_in)
    assert full["jobs"] >= 2
    assert full["droplets"] == 3
    assert full["events"] > 10
    migrate.downgrade(lived_in, "base")
    left = {name for kind, name, _ in schema(lived_in) if kind == "table"}
    assert left == {"alembic_version"}
    assert migrate.status(lived_in)["current"] is None
    migrate.upgrade(lived_in)
    assert schema(lived_in) == before
    assert migrate.status(lived_in)["up_to_date"]


@pytest.mark.parametrize("revision", migrate.REVISIONS)
def test_each_step_down_can_be_gone_up_again_with_what_is_there(lived_in: Settings, revision: str) -> None:
    before, full = schema(lived_in), rows(lived_in)
    migrate.downgrade(lived_in, revision)
    assert migrate.status(lived_in)["current"] == revision
    kept = rows(lived_in)
    assert {name: full[name] for name in kept} == kept, "a table that stays has lost rows"
    migrate.upgrade(lived_in)
    assert schema(lived_in) == before


def test_the_migrations_make_what_the_code_describes(settings: Settings) -> None:
    migrate.upgrade(settings)
    engine = engine_for(settings.database_path())
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_they_make_the_same_indexes_word_by_word(settings: Settings, tmp_path: Path) -> None:
    """What autogenerate does not compare on SQLite: the conditions of partial indexes, and WITHOUT ROWID."""
    migrate.upgrade(settings)
    described = load({"data_dir": str(tmp_path / "described")}, {})
    described.data_dir.mkdir()
    engine = engine_for(described.database_path())
    metadata.create_all(engine)
    engine.dispose()
    migrated = {row for row in schema(settings) if row[0] == "index"}
    assert migrated == {row for row in schema(described) if row[0] == "index"}
    bare = {name for kind, name, sql in schema(settings) if kind == "table" and sql.endswith("WITHOUT ROWID")}
    assert bare == {name for kind, name, sql in schema(described) if kind == "table" and sql.endswith("WITHOUT ROWID")}


def test_a_start_with_nothing_to_migrate_does_not_load_alembic(lived_in: Settings) -> None:
    program = (
        "import sys; from clustergenie import app; from clustergenie.platform import migrate; "
        f"from pathlib import Path; migrate.ensure(Path({str(lived_in.database_path())!r})); "
        "print([name for name in sys.modules if name.startswith(('alembic', 'mako'))])"
    )
    told = subprocess.run([sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "[]", told


def test_a_migration_that_fails_half_way_leaves_the_schema_as_it_was(settings: Settings) -> None:
    migrate.upgrade(settings, migrate.REVISIONS[0])
    with closing(sqlite3.connect(settings.database_path())) as db, db:
        # In the way of a later statement of the next migration, not of its first.
        db.execute("CREATE TABLE schedule_fires (here INTEGER)")
    before = schema(settings)
    with pytest.raises(Exception, match="schedule_fires"):
        migrate.upgrade(settings)
    assert schema(settings) == before
    assert migrate.status(settings)["current"] == migrate.REVISIONS[0]
