"""One request, one trace: also for what a database thread writes on its behalf."""

import asyncio
from pathlib import Path

from clustergenie.platform import telemetry
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.sqlite import SqliteBackend


def test_a_transaction_belongs_to_the_trace_of_its_caller(tmp_path: Path) -> None:
    async def seen_in_the_database_thread() -> tuple[str, str]:
        db = Database(SqliteBackend(tmp_path / "cg.db", lambda _connection, _events: None))
        await db.start()

        def trace(_tx: Tx) -> str:
            return telemetry.trace_id()

        with telemetry.bound(trace_id="a" * 32):
            inside = await db.write(trace)
        outside = await db.write(trace)
        await db.stop()
        return inside, outside

    inside, outside = asyncio.run(seen_in_the_database_thread())
    assert inside == "a" * 32
    assert outside != inside
