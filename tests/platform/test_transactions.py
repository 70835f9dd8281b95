"""What a caller of the database may rely on: kept or refused, alone among others, and told only what is true."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from clustergenie.platform.db import Database, Tx
from clustergenie.platform.event import Event
from clustergenie.platform.sqlite import DatabaseBusy, DatabaseWriteFailed
from tests.platform.databases import add, all_words, asked, opened, words, writer_held

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has


def on_disk(path: Path) -> list[str]:
    """The words another process would see."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY id")]
    finally:
        connection.close()


async def settled(*futures: "asyncio.Future[str]") -> list[object]:
    """Each result or exception, with a deadline: a caller who is never answered is a failure of its own."""
    async with asyncio.timeout(20):
        return await asyncio.gather(*futures, return_exceptions=True)


def test_what_a_write_returned_for_is_in_the_file(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            assert await db.write(add, "kept") == "kept"
            assert on_disk(tmp_path / "a.db") == ["kept"]

    asyncio.run(story())


def test_transactions_that_wait_together_share_one_commit_and_one_moment(tmp_path: Path) -> None:
    def moment(tx: Tx, word: str) -> object:
        add(tx, word)
        return tx.now

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [asyncio.ensure_future(db.write(moment, word)) for word in "abc"]
                await asyncio.sleep(0)
                release()
                moments = set(await asyncio.gather(*waiting))
            assert len(moments) == 1
            assert await db.write(moment, "later") > moments.pop()

    asyncio.run(story())


def test_one_that_fails_is_undone_alone(tmp_path: Path) -> None:
    def add_then_fail(tx: Tx, word: str) -> str:
        add(tx, word)
        raise LookupError(word)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            with writer_held(db) as release:
                await asyncio.sleep(0)
                good = asked(db, "a", "b")
                bad = asyncio.ensure_future(db.write(add_then_fail, "undone"))
                duplicate = asked(db, "a")
                more = asked(db, "c")
                await asyncio.sleep(0)
                release()
                answers = await settled(*good, bad, *duplicate, *more)
            assert [type(answer) for answer in answers] == [str, str, LookupError, IntegrityError, str]
            assert on_disk(tmp_path / "a.db") == ["a", "b", "c"]

    asyncio.run(story())


def test_only_what_became_true_is_told_in_order_and_before_the_callers_hear(tmp_path: Path) -> None:
    told: list[str] = []
    stored: list[str] = []

    def emit(tx: Tx, word: str) -> None:
        add(tx, word)
        tx.emit(Event(type="job_started", key=word, seq=1))
        tx.after_commit(lambda: told.append(f"after {word}"))
        if word == "bad":
            raise LookupError

    def sink(_connection: Connection, events: list[Event]) -> None:
        stored.extend(event.key for event in events)

    async def story() -> None:
        async with opened(tmp_path / "a.db", sink) as db:
            db.listen(lambda events: told.extend(event.key for event in events))
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [asyncio.ensure_future(db.write(emit, word)) for word in ("a", "bad", "b")]
                waiting[0].add_done_callback(lambda _: told.append("answered"))
                await asyncio.sleep(0)
                release()
                await asyncio.gather(*waiting, return_exceptions=True)
        assert stored == ["a", "b"]
        assert told == ["a", "b", "after a", "after b", "answered"]

    asyncio.run(story())


def test_an_event_carries_the_moment_of_its_transaction(tmp_path: Path) -> None:
    def emit(tx: Tx) -> tuple[object, object]:
        event = Event(type="job_started", key="k", seq=1)
        tx.emit(event)
        return event.timestamp, tx.now

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            stamped, moment = await db.write(emit)
            assert stamped == moment

    asyncio.run(story())


def test_when_the_commit_fails_every_caller_hears_and_nothing_is_kept(tmp_path: Path) -> None:
    broken = threading.Event()
    told: list[Event] = []

    def sink(connection: Connection, _events: list[Event]) -> None:
        if broken.is_set():
            connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    def emit(tx: Tx, word: str) -> None:
        add(tx, word)
        tx.emit(Event(type="job_started", key=word, seq=1))

    async def story() -> None:
        async with opened(tmp_path / "a.db", sink) as db:
            db.listen(told.extend)
            broken.set()
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [*asked(db, "a"), asyncio.ensure_future(db.write(emit, "b")), *asked(db, "c")]
                await asyncio.sleep(0)
                release()
                answers = await settled(*waiting)
            assert [type(answer) for answer in answers] == [DatabaseWriteFailed] * 3
            assert on_disk(tmp_path / "a.db") == []
            assert told == []
            broken.clear()
            await db.write(emit, "again")
            assert on_disk(tmp_path / "a.db") == ["again"]

    asyncio.run(story())


def limit_pages(tx: Tx, pages: int) -> int:
    """Pretend that the disk holds no more than this; SQLite then fails as it does on a full one."""
    return int(tx.execute(text(f"PRAGMA max_page_count={pages}")).scalar_one())


def page_count(tx: Tx) -> int:
    return int(tx.execute(text("PRAGMA page_count")).scalar_one())


@pytest.mark.parametrize("batched", [False, True])
def test_a_full_disk_refuses_everyone_loses_nothing_and_heals(tmp_path: Path, batched: bool) -> None:
    def add_all(tx: Tx, texts: list[str]) -> list[str]:
        return [add(tx, word) for word in texts]

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            before = await db.write(add, "before")
            await db.write(limit_pages, await db.write(page_count))
            ask = db.batched(add_all) if batched else lambda word: db.write(add, word)
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [asyncio.ensure_future(ask(f"{number}" + "x" * 3000)) for number in range(5)]
                waiting += asked(db, "small")
                await asyncio.sleep(0)
                release()
                answers = await settled(*waiting)
            refused = [answer for answer in answers if isinstance(answer, DatabaseWriteFailed)]
            kept = [answer for answer in answers if isinstance(answer, str)]
            assert refused
            assert "full" in str(refused[0])
            assert len(refused) + len(kept) == len(answers)
            assert on_disk(tmp_path / "a.db") == [before, *kept]
            await db.write(limit_pages, 1_000_000)
            await ask("after")
            assert on_disk(tmp_path / "a.db")[-1] == "after"

    asyncio.run(story())


def test_a_caller_who_gave_up_in_time_leaves_no_trace_and_disturbs_nobody(tmp_path: Path) -> None:
    def add_all(tx: Tx, texts: list[str]) -> list[str]:
        return [add(tx, word) for word in texts]

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            ask = db.batched(add_all)
            with writer_held(db) as release:
                await asyncio.sleep(0)
                gone, stays = asked(db, "gone", "stays")
                waiting = [asyncio.ensure_future(ask(word)) for word in ("gone too", "stays too")]
                await asyncio.sleep(0)
                gone.cancel()
                waiting[0].cancel()
                await asyncio.sleep(0)
                release()
                answers = await settled(gone, stays, *waiting)
            assert [type(answer) for answer in answers] == [asyncio.CancelledError, str, asyncio.CancelledError, str]
            assert on_disk(tmp_path / "a.db") == ["stays", "stays too"]

    asyncio.run(story())


def test_a_read_sees_one_snapshot_and_cannot_write(tmp_path: Path) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[list[str], list[str]]:
        before = all_words(tx)
        reading.set()
        assert go_on.wait(20)
        return before, all_words(tx)

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(add, "a")
            looking = asyncio.ensure_future(db.read(twice))
            await asyncio.to_thread(reading.wait, 20)
            await db.write(add, "b")
            go_on.set()
            assert await looking == (["a"], ["a"])
            assert await db.read(all_words) == ["a", "b"]
            with pytest.raises(DBAPIError, match="readonly"):
                await db.read(add, "c")
            assert await db.read(all_words) == ["a", "b"]

    asyncio.run(story())


def test_stopping_finishes_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    async def story() -> list[object]:
        async with opened(tmp_path / "a.db") as db:
            with writer_held(db) as release:
                await asyncio.sleep(0)
                accepted = asked(db, "a", "b")
                await asyncio.sleep(0)
                stopping = asyncio.ensure_future(db.stop())
                await asyncio.sleep(0)
                refused = asked(db, "late")
                await asyncio.sleep(0)
                release()
                await stopping
                return await settled(*accepted, *refused)

    answers = asyncio.run(story())
    assert [type(answer) for answer in answers] == [str, str, DatabaseBusy]
    assert on_disk(tmp_path / "a.db") == ["a", "b"]


def test_beyond_the_backlog_callers_are_told_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clustergenie.platform.sqlite.BACKLOG", 3)

    async def story(db: Database) -> list[object]:
        with writer_held(db) as release:
            await asyncio.sleep(0)
            waiting = asked(db, *"abcdef")
            await asyncio.sleep(0)
            assert db.backlog() > 0
            release()
            return await settled(*waiting)

    async def run() -> list[object]:
        async with opened(tmp_path / "a.db") as db:
            return await story(db)

    answers = asyncio.run(run())
    refused = [answer for answer in answers if isinstance(answer, DatabaseBusy)]
    assert refused
    assert refused[0].headers() == {"Retry-After": "1"}
    assert on_disk(tmp_path / "a.db") == [answer for answer in answers if isinstance(answer, str)]


def test_the_moment_of_a_transaction_never_goes_back_with_the_clock(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            moments = [await db.write(lambda tx: tx.now) for _ in range(50)]
            assert moments == sorted(set(moments))
            assert select(words) is not None

    asyncio.run(story())
