"""Secrets at rest: unreadable without the key, not to be moved or changed, and rotated without loss."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.auth.oidc_settings import PURPOSE
from clustergenie.auth.rotate import rotate
from clustergenie.platform import config, keyfile, migrate
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.keyfile import Keys
from clustergenie.platform.lock import take_lock
from clustergenie.platform.sealing import Box, CannotOpen

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.text(max_size=2_000), st.text(max_size=50))
def test_what_is_sealed_opens_again_and_is_not_to_be_read(secret: str, purpose: str) -> None:
    box = Box(Keys([OLD]))
    sealed = box.seal(secret, purpose)
    assert box.open(sealed, purpose) == secret
    assert sealed != box.seal(secret, purpose)
    assert len(secret) < 4 or secret not in sealed


def test_a_changed_character_anywhere_is_noticed() -> None:
    box = Box(Keys([OLD]))
    sealed = box.seal("a secret", "client secret")
    for place, there in enumerate(sealed):
        for other in set("Aa09-_=:") - {there}:
            with pytest.raises(CannotOpen):
                box.open(sealed[:place] + other + sealed[place + 1 :], "client secret")


def test_it_opens_for_its_purpose_only() -> None:
    box = Box(Keys([OLD]))
    with pytest.raises(CannotOpen, match="damaged"):
        box.open(box.seal("a secret", "client secret"), "webhook secret")


def test_a_wrong_key_is_a_sentence_that_says_what_to_do() -> None:
    sealed = Box(Keys([OLD])).seal("a secret", "client secret")
    with pytest.raises(CannotOpen, match=r"secret.key or CLUSTERGENIE_SECRET_KEY back, or set the client secret again"):
        Box(Keys([NEW])).open(sealed, "client secret")


@pytest.mark.parametrize("sealed", ["", "sealed1", "sealed1::", "plain text", "sealed2:a:b", "::::"])
def test_what_was_never_sealed_is_a_sentence_too(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        Box(Keys([OLD])).open(sealed, "client secret")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old, both = Box(Keys([OLD])), Box(Keys([OLD, NEW]))
    before = old.seal("a secret", "x")
    assert not both.is_newest(before)
    after = both.seal(both.open(before, "x"), "x")
    assert both.is_newest(after)
    assert Box(Keys([NEW])).open(after, "x") == "a secret"


def settings(folder: Path, **environment: str) -> config.Settings:
    return config.load({"data_dir": str(folder)}, environment, folder)


def test_the_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    first = keyfile.keys(settings(tmp_path))
    assert keyfile.keys(settings(tmp_path)).all == first.all
    assert (tmp_path / keyfile.FILE).stat().st_mode & 0o077 == 0


def test_the_environment_may_hold_it_instead(tmp_path: Path) -> None:
    both = f"{OLD.hex()},{NEW.hex()}"
    assert keyfile.keys(settings(tmp_path, CLUSTERGENIE_SECRET_KEY=both)).all == (OLD, NEW)
    (tmp_path / "key").write_text(OLD.hex() + "\n")
    assert keyfile.keys(settings(tmp_path, CLUSTERGENIE_SECRET_KEY_FILE=str(tmp_path / "key"))).first == OLD
    assert not (tmp_path / keyfile.FILE).exists()


@pytest.mark.parametrize("content", [b"", b"zz", b"ab" * 31, b"\xff\xfe", b"ab" * 32 + b"\nshort"])
def test_a_damaged_key_stops_the_start_and_is_not_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / keyfile.FILE).write_bytes(content)
    with pytest.raises(CannotStart, match=r"secret.key (is damaged|cannot be read)") as refused:
        keyfile.keys(settings(tmp_path))
    assert "abab" not in str(refused.value)


@pytest.fixture
def sealed_in(tmp_path: Path) -> config.Settings:
    """An installation with a stored secret."""
    there = settings(tmp_path)
    keyfile.keys(there)
    migrate.upgrade(there)
    store(there, Box(keyfile.keys(there)).seal("a secret", PURPOSE))
    return there


def store(there: config.Settings, sealed: str) -> None:
    values = (1, "https://idp", "us", sealed, "n", "[]", "groups", "[]", 0, "test")
    with closing(sqlite3.connect(there.database_path())) as db, db:
        db.execute("DELETE FROM auth_oidc")
        db.execute(f"INSERT INTO auth_oidc VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608


def stored(there: config.Settings) -> str:
    with closing(sqlite3.connect(there.database_path())) as db:
        return str(db.execute("SELECT client_secret FROM auth_oidc").fetchone()[0])


def test_a_rotation_seals_everything_anew_and_forgets_the_key_before(sealed_in: config.Settings) -> None:
    first, before = keyfile.keys(sealed_in), stored(sealed_in)
    for _ in range(2):
        assert rotate(sealed_in) == 1
    after = keyfile.keys(sealed_in)
    assert after.first == first.first  # what enrolment tokens are made from stays
    assert len(after.all) == 2
    assert Box(after).open(stored(sealed_in), PURPOSE) == "a secret"
    with pytest.raises(CannotOpen):
        Box(first).open(stored(sealed_in), PURPOSE)
    assert stored(sealed_in) != before


def test_a_rotation_that_meets_a_foreign_secret_changes_nothing(sealed_in: config.Settings) -> None:
    foreign = Box(Keys([b"f" * 32])).seal("a secret", PURPOSE)
    store(sealed_in, foreign)
    with pytest.raises(CannotOpen, match="set the OIDC client secret again"):
        rotate(sealed_in)
    assert stored(sealed_in) == foreign


def test_a_rotation_under_a_running_server_is_refused(sealed_in: config.Settings) -> None:
    lock = take_lock(sealed_in.database_path())
    try:
        with pytest.raises(CannotStart):
            rotate(sealed_in)
    finally:
        os.close(lock)
    assert len(keyfile.keys(sealed_in).all) == 1


def test_with_keys_in_the_environment_the_last_one_seals(sealed_in: config.Settings) -> None:
    first = keyfile.keys(sealed_in).first
    both = settings(sealed_in.data_dir, CLUSTERGENIE_SECRET_KEY=f"{first.hex()},{NEW.hex()}")
    assert rotate(both) == 1
    assert Box(Keys([NEW])).open(stored(sealed_in), PURPOSE) == "a secret"
    assert keyfile.keys(sealed_in).all == (first,)
