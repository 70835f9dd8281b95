"""See everything that a world holds at one moment: the rows of its database, and the machines of its cloud."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.verdict import Machine
from tests.chaos.world import World, engine_of


class ServerSnapshot:
    """As `verdict.Snapshot`, of a database server and a simulated cloud that is a process of its own."""

    one_writer = False

    def __init__(self, world: World) -> None:
        self.data_dir: Path = world.folder
        engine = engine_of(world.database.url)
        try:
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as db:
                self.jobs: dict[str, Any] = self._by_id(db, "jobs")
                self.droplets: dict[str, Any] = self._by_id(db, "droplets")
                self.clusters: dict[str, Any] = self._by_id(db, "clusters")
                self.events: list[Any] = self._all(db, "events", "ORDER BY id")
                self.outbox: list[Any] = self._all(db, "event_outbox", "ORDER BY id")
                self.attempts: list[Any] = self._all(db, "job_attempts")
                self.keys: list[Any] = self._all(db, "idempotency_keys")
                self.inbox: list[Any] = self._all(db, "event_inbox")
        finally:
            engine.dispose()
        self.simulated = [Machine(vm["ref"], vm["tag"], not vm.get("stopped", False)) for vm in world.cloud.machines()]
        self.local: list[Machine] = []

    @staticmethod
    def _all(db: Any, table: str, more: str = "") -> list[Any]:
        return [dict(row) for row in db.exec_driver_sql(f"SELECT * FROM {table} {more}").mappings()]  # noqa: S608

    @classmethod
    def _by_id(cls, db: Any, table: str) -> dict[str, Any]:
        return {row["id"]: row for row in cls._all(db, table)}

    @property
    def machines(self) -> list[Machine]:
        return [*self.simulated, *self.local]


def made_twice(journal: Path) -> Iterator[str]:
    """Droplets that had more than one machine in the cloud's whole life, also one that was cleared away since."""
    refs: dict[str, set[str]] = {}
    for line in journal.read_bytes().splitlines():
        change = json.loads(line)
        if "put" in change:
            refs.setdefault(change["put"]["tag"], set()).add(change["put"]["ref"])
    for tag, count in Counter({tag: len(found) for tag, found in refs.items()}).items():
        if count > 1:
            yield f"{tag} was given {count} machines: {sorted(refs[tag])}"
