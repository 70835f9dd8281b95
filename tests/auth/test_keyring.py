"""Keys and sessions in force: to the moment of their end, in every process, and written down without hurry."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from clustergenie import auth
from clustergenie.auth import credentials, keyring, keys, sessions, setup, tables
from clustergenie.auth.models import GrantSpec, KeyChange, KeySpec, LastAdminKey, SetupRefused
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Invalid
from tests import databases
from tests.jobs.queues import START, Clock
from tests.waiting import poll_until_async

IDLE, LASTS = dt.timedelta(minutes=30), dt.timedelta(hours=8)
ADMIN = KeySpec("ada", [GrantSpec("admin")])


class Here:
    """One process and its clock."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db, self.clock = db, clock
        self.ring = self.another(alone=True)

    def another(self, *, alone: bool = False) -> auth.Keyring:
        """What one more process over the same database knows."""
        return auth.Keyring(self.db, idle=IDLE, clock=self.clock, alone=alone)

    async def key(self, spec: KeySpec = ADMIN) -> tuple[str, credentials.KeyText]:
        made, secret = await self.db.write(keys.create, self.ring, spec)
        text = credentials.read_key(secret)
        assert text is not None
        return made.id, text

    async def session(self, key_id: str) -> str:
        visitor = auth.Visitor("session", f"key:{key_id}", "ada", key_id, (), "127.0.0.1", "a browser")
        return await self.db.write(sessions.begin, self.ring, visitor, LASTS, None)


def run(folder: Path, story: Callable[[Here], Awaitable[None]]) -> None:
    async def play() -> None:
        path, clock = folder / "a.db", Clock()
        databases.prepare(path)
        async with databases.running(path, clock=clock) as db:
            here = Here(db, clock)
            await here.ring.start()
            try:
                await story(here)
            finally:
                await here.ring.stop()

    asyncio.run(play())


def test_a_key_is_good_until_the_moment_it_ends_and_not_at_it(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        _, text = await here.key(KeySpec("x", [GrantSpec("viewer")], START + dt.timedelta(hours=1)))
        here.clock.now = START + dt.timedelta(hours=1, microseconds=-1)
        assert await here.ring.key(text) is not None
        here.clock.now = START + dt.timedelta(hours=1)
        assert await here.ring.key(text) is None
        here.clock.advance(86_400)
        assert await here.ring.key(text) is None

    run(tmp_path, story)


def test_a_key_cannot_be_made_to_have_ended(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        for moment in (START, START - dt.timedelta(days=1)):
            with pytest.raises(Invalid):
                await here.key(KeySpec("x", [GrantSpec("viewer")], moment))

    run(tmp_path, story)


def test_a_session_ends_when_idle_when_old_and_with_its_key(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        key_id, _ = await here.key()
        idle = await here.session(key_id)
        here.clock.now = START + IDLE + dt.timedelta(seconds=1)
        assert await here.ring.session(idle) is None
        here.clock.now = START
        busy = await here.session(key_id)
        while here.clock.now + IDLE / 2 < START + LASTS:
            here.clock.now += IDLE / 2
            assert await here.ring.session(busy) is not None
        here.clock.now = START + LASTS + dt.timedelta(seconds=1)
        assert await here.ring.session(busy) is None
        ending, _ = await here.key(KeySpec("e", [GrantSpec("viewer")], here.clock.now + dt.timedelta(minutes=5)))
        short = await here.session(ending)
        here.clock.advance(299)
        assert await here.ring.session(short) is not None
        here.clock.advance(1)
        assert await here.ring.session(short) is None

    run(tmp_path, story)


def test_another_process_comes_to_know_what_was_made_changed_and_revoked(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        other = here.another()
        await other.start()
        try:
            key_id, text = await here.key(KeySpec("v", [GrantSpec("viewer")]))
            assert await other.key(text) is not None  # at once: what is unknown is looked up
            await here.db.write(keys.change, here.ring, key_id, KeyChange(grants=[GrantSpec("operator")]))

            async def is_operator() -> bool:
                found = await other.key(text)
                return found is not None and found.principal.may("operator")

            await poll_until_async(is_operator)
            await here.db.write(keys.revoke, here.ring, key_id)
            assert await here.ring.key(text) is None

            async def is_gone() -> bool:
                return await other.key(text) is None

            await poll_until_async(is_gone)
        finally:
            await other.stop()

    run(tmp_path, story)


def test_a_look_that_fails_for_any_reason_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(here: Here) -> None:
        key_id, text = await here.key()
        other = here.another()
        looks: list[str] = []

        async def look() -> None:
            looks.append("")
            if len(looks) == 1:
                raise RuntimeError("what nobody thought of")
            await auth.Keyring.look(other)

        monkeypatch.setattr(other, "look", look)
        await other.start()
        try:
            assert await other.key(text) is not None
            await here.key(KeySpec("another", [GrantSpec("admin")]))
            await here.db.write(keys.revoke, here.ring, key_id)

            async def is_gone() -> bool:
                return await other.key(text) is None

            await poll_until_async(is_gone)
        finally:
            await other.stop()

    run(tmp_path, story)


def test_made_up_keys_do_not_make_a_process_read_the_database_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "AGAIN_SECONDS", 3600.0)
    assert keyring.LOOK_SECONDS < 0.5  # what others change holds here within a second

    async def story(here: Here) -> None:
        other = here.another()
        await other.start()
        reads = 0
        refresh = other.refresh

        async def counted() -> None:
            nonlocal reads
            reads += 1
            await refresh()

        other.refresh = counted  # type: ignore[method-assign]
        for _ in range(200):
            assert await other.key(credentials.new_key()) is None
        assert reads == 1
        await other.stop()

    run(tmp_path, story)


def test_when_a_key_was_used_last_is_written_later_and_at_the_end(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        key_id, text = await here.key()
        here.clock.advance(60)
        await here.ring.key(text)
        assert (await here.db.read(keys.get, key_id)).last_used_at is None
        await here.ring.note()
        assert (await here.db.read(keys.get, key_id)).last_used_at == START + dt.timedelta(seconds=60)

    run(tmp_path, story)


def test_of_secrets_only_hashes_are_kept(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        key_id, text = await here.key()
        session = await here.session(key_id)
        token = await here.db.write(lambda tx: setup.issue(tx.connection, tx.now))

        def everything(tx: Tx) -> str:
            return str([tx.execute(select(table)).fetchall() for table in (tables.keys, tables.sessions, tables.setup)])

        kept = await here.db.read(everything)
        for secret in (text.secret, session, token, credentials.csrf_token(session)):
            assert secret not in kept

    run(tmp_path, story)


def test_a_setup_token_works_once_for_one_of_many_and_not_after_an_hour(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        visitor = auth.Visitor("session", "", "", None, (), "127.0.0.1", "")

        async def redeem(token: str) -> Any:
            return await here.db.write(setup.redeem, here.ring, token, "ada", visitor, LASTS, None)

        def issue(tx: Tx) -> str:
            return setup.issue(tx.connection, tx.now)

        token, late = await here.db.write(issue), await here.db.write(issue)
        outcomes = await asyncio.gather(*(redeem(token) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(one, tuple) for one in outcomes) == 1
        assert sum(isinstance(one, SetupRefused) for one in outcomes) == 4
        here.clock.advance(3601)
        for wrong in (late, token, "cgu_" + "A" * 43, "", "x"):
            with pytest.raises(SetupRefused):
                await redeem(wrong)

    run(tmp_path, story)


def test_the_last_who_can_manage_keys_stays_as_long_as_there_are_others(tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        first, _ = await here.key()
        viewer, _ = await here.key(KeySpec("v", [GrantSpec("viewer")]))
        with pytest.raises(LastAdminKey):
            await here.db.write(keys.revoke, here.ring, first)
        with pytest.raises(LastAdminKey):
            await here.db.write(keys.change, here.ring, first, KeyChange(grants=[GrantSpec("viewer")]))
        await here.db.write(keys.revoke, here.ring, viewer)
        await here.db.write(keys.revoke, here.ring, first)
        assert not here.ring.any_key

    run(tmp_path, story)
