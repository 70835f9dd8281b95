"""The log keeps what happened in the order in which it became true, under ids that are never used twice."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from clustergenie import events
from clustergenie.events import tables
from clustergenie.events.log import of_types, scan
from clustergenie.platform.clock import now
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.failures import DatabaseWriteFailed
from tests.events.logs import consumer, emit, happened, opened, prepare, record
from tests.platform.databases import writer_held


def ids(tx: Tx) -> list[int]:
    return list(tx.execute(select(tables.events.c.id).order_by(tables.events.c.id)).scalars())


def keys(tx: Tx) -> list[str]:
    return list(tx.execute(select(tables.events.c.key).order_by(tables.events.c.id)).scalars())


def test_ids_follow_each_other_in_the_order_of_the_commits(tmp_path: Path) -> None:
    told: list[Event] = []

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            db.listen(told.extend)
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [db.write(emit, happened(f"job-{n}", 1), happened(f"job-{n}", 2)) for n in range(5)]
                asked = asyncio.gather(*waiting)
                await asyncio.sleep(0)
                release()
                await asked
            await db.write(emit, happened("job-9"))
            assert [event.id for event in told] == await db.read(ids) == list(range(1, 12))
            assert [event.key for event in told] == await db.read(keys)

    asyncio.run(story())


def test_what_was_emitted_comes_back_as_it_was(tmp_path: Path) -> None:
    event = happened(
        message="line\nline ☃",
        job_type="provision",
        cluster_id="cluster-1",
        droplet_id="droplet-1",
        progress=30,
        trace_id="0" * 31 + "1",
        payload={"a": [1, 2.5, None], "when": {"b": "ü"}},
    )

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, event)
            found, _ = await db.read(scan, of_types({"job_started"}), 0, 100, 10)
            assert found == [replace(event, id=1)]

    asyncio.run(story())


def test_a_value_json_does_not_know_is_written_as_text_and_fails_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, happened(payload={"path": Path("/tmp/x")}))
            found, _ = await db.read(scan, of_types({"job_started"}), 0, 100, 10)
            assert found[0].payload == {"path": "/tmp/x"}

    asyncio.run(story())


def test_a_failed_commit_uses_up_no_id(tmp_path: Path) -> None:
    fail = [False]

    def append_then_fail(connection: Connection, committed: list[Event]) -> None:
        events.append(connection, committed)
        if fail[0]:
            connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    async def story() -> None:
        async with opened(tmp_path / "a.db", append_then_fail) as db:
            await db.write(emit, happened("a"), happened("b"))
            fail[0] = True
            with pytest.raises((DatabaseWriteFailed, DBAPIError)):
                await db.write(emit, happened("lost"))
            fail[0] = False
            await db.write(emit, happened("c"))
            assert await db.read(ids) == [1, 2, 3]
            assert await db.read(keys) == ["a", "b", "c"]

    asyncio.run(story())


def test_ids_go_on_after_a_restart_even_when_the_newest_events_were_deleted(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, *[happened(f"job-{n}") for n in range(5)])
            await db.write(lambda tx: tx.execute(delete(tables.events)) and None)
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, happened("next"))
            assert await db.read(ids) == [6]

    asyncio.run(story())


def test_a_scan_says_how_far_it_has_looked(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            kinds = ["job_started", "job_failed"] * 5
            await db.write(emit, *[happened(f"job-{n}", kind=kind) for n, kind in enumerate(kinds, 1)])
            query = of_types({"job_failed"})
            for after, upto, limit, found, seen in [
                (0, 10, 2, [2, 4], 4),
                (4, 10, 100, [6, 8, 10], 10),
                (4, 7, 100, [6], 7),
                (10, 10, 100, [], 10),
                (0, 1, 100, [], 1),
            ]:
                got, reached = await db.read(scan, query, after, upto, limit)
                assert ([event.id for event in got], reached) == (found, seen)

    asyncio.run(story())


@pytest.mark.sqlite
def test_every_filter_of_the_history_has_an_index(tmp_path: Path) -> None:
    prepare(tmp_path / "a.db")

    def plan(tx: Tx, column: str) -> str:
        asked = (
            select(tables.events).where(tables.events.c[column] == "x").order_by(tables.events.c.id.desc()).limit(20)
        )
        statement = asked.compile(tx.connection, compile_kwargs={"literal_binds": True})
        return " ".join(str(row) for row in tx.execute(text(f"EXPLAIN QUERY PLAN {statement}")))

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            for column in ("cluster_id", "job_id", "droplet_id", "trace_id", "type"):
                found = await db.read(plan, column)
                assert f"ix_events_{column}_id" in found
                assert "TEMP B-TREE" not in found

    asyncio.run(story())


async def filled(db: Database, count: int) -> dt.datetime:
    """Events of long ago, then one of now; returns a moment between."""
    await db.write(emit, *[happened(f"job-{n}") for n in range(count)])
    ago = now() - dt.timedelta(days=9)
    await db.write(lambda tx: tx.execute(update(tables.events).values(timestamp=ago)) and None)
    await db.write(emit, happened("recent"))
    return now() - dt.timedelta(days=1)


def test_retention_forgets_in_bounded_steps_and_leaves_what_is_recent(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            before = await filled(db, 10)
            assert [await db.write(events.prune, before, 4) for _ in range(4)] == [4, 4, 2, 0]
            assert await db.read(ids) == [11]

    asyncio.run(story())


def test_retention_never_forgets_the_newest_event(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await filled(db, 3)
            later = now() + dt.timedelta(days=1)
            assert await db.write(events.prune, later) == 3
            assert await db.write(events.prune, later) == 0
            assert await db.read(ids) == [4]

    asyncio.run(story())


def test_retention_waits_for_the_slowest_consumer_group(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            before = await filled(db, 10)
            slow = events.EmbeddedBus(
                db, [consumer(record("slow"), group="slow", batch=3), consumer(record("fast"), group="fast")]
            )
            await slow.open()
            assert await db.write(events.prune, before) == 0
            await slow.deliveries["fast"].run_once()
            assert await db.write(events.prune, before) == 0
            await slow.deliveries["slow"].run_once()
            assert await db.write(events.prune, before) == 3
            await slow.deliveries["slow"].run_once()
            assert await db.write(events.prune, before) == 3
            assert (await db.read(ids))[0] == 7
            known = await db.read(lambda tx: list(tx.execute(select(tables.inbox.c.log_id)).scalars()))
            assert min(known) == 7

    asyncio.run(story())
