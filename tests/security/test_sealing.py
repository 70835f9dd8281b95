"""Secrets at rest: unreadable without the key, not to be moved or changed, and rotated without loss."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.platform import config, keyfile
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.keyfile import Keys
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
