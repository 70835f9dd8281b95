"""What a caller may rely on when the database is a server: on each kind of them, whatever happens on the way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from clustergenie.platform.db import Contended, Database, Tx
from clustergenie.platform.failures import CommitUnknown, DatabaseAway, NotStorable
from clustergenie.platform.servers import Server, ServerBackend
from tests import databases
from tests.servers.wire import Wire, wire

schema = MetaData()
words = Table(
    "words",
    schema,
    Column("id", Integer, primary_key=True),
    Column("word", String(200), unique=True, nullable=False),
    Column("times", Integer, nullable=False, default=0),
)


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A database of this module's own."""
    made = databases.bare(request.param)
    schema.create_all(made.engine)
    yield made
    made.engine.dispose()


@pytest.fixture
def emptied(server: Server) -> Server:
    """The same without rows."""
    with server.engine.begin() as connection:
        connection.execute(words.delete())
    return server


def url(server: Server, port: int | None = None) -> str:
    """Its address, or the address of a wire to it."""
    named = server.url.set(drivername=server.url.get_backend_name(), port=port or server.url.port)
    return named.render_as_string(hide_password=False)


@asynccontextmanager
async def opened(address: str, connections: int) -> AsyncIterator[Database]:
    """A started database without events."""
    db = Database(ServerBackend(address, lambda _connection, _events: None, connections=connections))
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


def play(address: str, story: Callable[[Database], Coroutine[Any, Any, None]], connections: int = 8) -> None:
    """Run a story within a bound."""

    async def run() -> None:
        async with opened(address, connections) as db, asyncio.timeout(60):
            await story(db)

    asyncio.run(run())


def on_server(server: Server) -> list[str]:
    """The words that another client sees."""
    with server.engine.connect() as connection:
        return list(connection.execute(select(words.c.word).order_by(words.c.id)).scalars())


def add(tx: Tx, word: str) -> str:
    """Note a word."""
    tx.execute(insert(words).values(word=word))
    return word


def test_what_a_write_returned_for_is_there_and_what_failed_is_not(emptied: Server) -> None:
    def fail(tx: Tx) -> None:
        add(tx, "undone")
        raise LookupError

    async def story(db: Database) -> None:
        assert await db.write(add, "kept") == "kept"
        with pytest.raises(LookupError):
            await db.write(fail)
        with pytest.raises(IntegrityError):
            await db.write(add, "kept")
        assert await db.write(add, "after") == "after"
        assert on_server(emptied) == ["kept", "after"]

    play(url(emptied), story)


def test_a_read_sees_one_moment_and_cannot_write(emptied: Server) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[int, int]:
        count = select(func.count()).select_from(words)
        before = tx.execute(count).scalar_one()
        reading.set()
        assert go_on.wait(20)
        return before, tx.execute(count).scalar_one()

    async def story(db: Database) -> None:
        looking = asyncio.ensure_future(db.read(twice))
        await asyncio.to_thread(reading.wait, 20)
        await db.write(add, "meanwhile")
        go_on.set()
        assert await looking == (0, 0)
        with pytest.raises(DBAPIError, match=r"READ ONLY|read-only"):
            await db.read(add, "never")
        assert on_server(emptied) == ["meanwhile"]

    play(url(emptied), story)


def test_the_moment_is_the_servers_in_utc_with_microseconds(emptied: Server) -> None:
    clock = "UTC_TIMESTAMP(6)" if emptied.dialect == "mysql" else "now() AT TIME ZONE 'UTC'"

    def moments(tx: Tx) -> Any:
        return tx.now.replace(tzinfo=None), tx.execute(text(f"SELECT {clock}")).scalar_one()

    async def story(db: Database) -> None:
        ours, theirs = await db.write(moments)
        assert 0 <= (theirs - ours).total_seconds() < 30
        found = {(await db.write(lambda tx: tx.now)).microsecond for _ in range(5)}
        assert len(found) > 1

    play(url(emptied), story)


def test_transactions_that_deadlock_all_succeed(emptied: Server) -> None:
    meet, met = threading.Barrier(2), set[str]()

    def both(tx: Tx, first: str, second: str) -> None:
        for place, word in enumerate((first, second)):
            tx.execute(update(words).where(words.c.word == word).values(times=words.c.times + 1))
            if place == 0 and first not in met:  # the second run must not wait
                met.add(first)
                meet.wait(30)

    async def story(db: Database) -> None:
        await db.write(add, "a")
        await db.write(add, "b")
        results = await asyncio.gather(db.write(both, "a", "b"), db.write(both, "b", "a"), return_exceptions=True)
        assert results == [None, None]
        times = await db.read(lambda tx: list(tx.execute(select(words.c.times)).scalars()))
        assert times == [2, 2]

    play(url(emptied), story)


def test_a_look_that_lost_to_another_insert_is_made_again(emptied: Server) -> None:
    meet, met = threading.Barrier(2), list[str]()

    def once(tx: Tx, word: str) -> str:
        if tx.execute(select(words.c.id).where(words.c.word == word)).first() is not None:
            return "was there"
        if len(met) < 2:
            met.append(word)
            meet.wait(30)
        add(tx, word)
        return "made"

    async def story(db: Database) -> None:
        assert sorted(await asyncio.gather(db.write(once, "x"), db.write(once, "x"))) == ["made", "was there"]

    play(url(emptied), story)


def test_whoever_finds_others_in_the_way_is_run_again(emptied: Server) -> None:
    runs = []

    def third_time(tx: Tx) -> int:
        add(tx, "only once")
        runs.append(1)
        if len(runs) < 3:
            raise Contended
        return len(runs)

    async def story(db: Database) -> None:
        assert await db.write(third_time) == 3
        assert on_server(emptied) == ["only once"]

    play(url(emptied), story)


@pytest.mark.parametrize("word", ["x" * 201, "\ud800"])
def test_what_cannot_be_stored_is_the_callers_mistake(emptied: Server, word: str) -> None:
    async def story(db: Database) -> None:
        with pytest.raises((NotStorable, UnicodeEncodeError)):
            await db.write(add, word)
        await db.write(add, "fine")

    play(url(emptied), story)


def test_words_that_only_look_alike_are_different(emptied: Server) -> None:
    alike = ["a", "A", "a ", "á", "a\u0301", "\uff41", "ß", "ss", "😀", "😁", "İ", "i"]

    async def story(db: Database) -> None:
        for word in alike:
            await db.write(add, word)
        assert on_server(emptied) == alike
        found = await db.read(
            lambda tx: [tx.execute(select(words.c.word).where(words.c.word == word)).scalars().all() for word in alike]
        )
        assert found == [[word] for word in alike]

    play(url(emptied), story)


def test_callers_of_one_kind_share_a_transaction_and_a_bad_one_fails_alone(emptied: Server) -> None:
    sizes: list[int] = []
    gate = threading.Event()

    def add_all(tx: Tx, items: list[str]) -> "list[str | Exception]":
        assert gate.wait(20)
        sizes.append(len(items))
        if "poison" in items:
            raise LookupError("poison")
        return [LookupError(word) if word == "refused" else add(tx, word) for word in items]

    async def story(db: Database) -> None:
        ask = db.batched(add_all)
        first = asyncio.ensure_future(ask("first"))
        await asyncio.sleep(0)
        rest = [asyncio.ensure_future(ask(word)) for word in ("a", "refused", "b")]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [type(answer) for answer in answers] == [str, str, LookupError, str]
        assert len(sizes) <= 2
        answers = await asyncio.gather(*map(ask, ("c", "poison", "d")), return_exceptions=True)
        assert [type(answer) for answer in answers] == [str, LookupError, str]
        assert sorted(on_server(emptied)) == ["a", "b", "c", "d", "first"]

    play(url(emptied), story)


def with_wire(server: Server, story: Callable[[Database, Wire], Coroutine[Any, Any, None]]) -> None:
    """Run a story whose connections go through a wire."""
    with wire(server.url.port or 0) as between:
        play(url(server, between.port), lambda db: story(db, between), connections=2)


def test_a_connection_lost_while_idle_or_before_the_commit_is_nobodys_trouble(emptied: Server) -> None:
    async def story(db: Database, between: Wire) -> None:
        await db.write(add, "before")
        await db.read(on_read)
        between.cut()
        between.mend()
        assert await db.write(add, "after") == "after"
        assert await db.read(on_read) == 2

        def cut_once(tx: Tx) -> None:
            if not cuts:
                cuts.append(1)
                between.cut()
                between.mend()
            add(tx, "during")

        cuts: list[int] = []
        await db.write(cut_once)
        assert on_server(emptied) == ["before", "after", "during"]

    with_wire(emptied, story)


def on_read(tx: Tx) -> int:
    """How many words there are."""
    return tx.execute(select(func.count()).select_from(words)).scalar_one()


def test_while_the_server_is_away_callers_hear_so_and_afterwards_all_goes_on(emptied: Server) -> None:
    async def story(db: Database, between: Wire) -> None:
        await db.write(add, "before")
        between.cut()
        for ask in (lambda: db.write(add, "lost"), lambda: db.read(on_read), lambda: db.batched(_all)("lost")):
            with pytest.raises(DatabaseAway) as away:
                await ask()
            assert "cannot be used" in away.value.detail
            assert away.value.headers() == {"Retry-After": "1"}
        between.mend()
        async with asyncio.timeout(20):
            while True:
                try:
                    await db.write(add, "after")
                    break
                except DatabaseAway:
                    await asyncio.sleep(0.05)
        assert on_server(emptied) == ["before", "after"]

    with_wire(emptied, story)


def _all(tx: Tx, items: list[str]) -> list[str]:
    return [add(tx, word) for word in items]


@pytest.mark.parametrize("batched", [False, True])
def test_a_commit_whose_answer_was_lost_is_neither_repeated_nor_called_a_failure(
    emptied: Server, batched: bool
) -> None:
    runs: list[str] = []

    def noted(tx: Tx, items: list[str]) -> list[str]:
        runs.append("run")
        return [add(tx, word) for word in items]

    async def story(db: Database, between: Wire) -> None:
        ask = db.batched(noted)
        await ask("before")
        runs.clear()
        between.cut_before_answer_to = b"COMMIT"
        with pytest.raises(CommitUnknown, match="not known"):
            await (ask("perhaps") if batched else db.write(noted, ["perhaps"]))
        assert runs == ["run"]
        await ask("after")
        assert on_server(emptied) in (["before", "perhaps", "after"], ["before", "after"])

    with_wire(emptied, story)
