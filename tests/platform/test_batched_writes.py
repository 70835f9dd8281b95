"""Callers of one batched function share a statement, and none of them suffers for another."""

import asyncio
from pathlib import Path

import pytest

from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict
from clustergenie.platform.sqlite import DatabaseBusy
from tests.platform.databases import add, all_words, opened, writer_held
from tests.platform.test_transactions import settled

pytestmark = pytest.mark.sqlite  # the file itself, or words that only SQLite has


class Sizes:
    """A batched function that remembers how many items each call had."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def add_all(self, tx: Tx, texts: list[str]) -> list[str | Exception]:
        """Note each word; "taken" is refused by itself, "poison" breaks whatever it is part of."""
        self.seen.append(len(texts))
        results: list[str | Exception] = []
        for word in texts:
            if word == "taken":
                results.append(Conflict("taken"))
                continue
            add(tx, word)
            results.append(word)
            if word == "poison":
                raise LookupError(word)
        return results


def together(tmp_path: Path, texts: list[str], limit: int = 500) -> tuple[list[object], list[str], list[int]]:
    """Ask for all of them while the writer is busy: the answers, what is kept, and the sizes of the batches."""
    sizes = Sizes()

    async def story() -> tuple[list[object], list[str]]:
        async with opened(tmp_path / "a.db") as db:
            ask = db.batched(sizes.add_all, limit=limit)
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [asyncio.ensure_future(ask(word)) for word in texts]
                await asyncio.sleep(0)
                release()
                answers = await settled(*waiting)
            return answers, await db.read(all_words)

    return *asyncio.run(story()), sizes.seen


def test_callers_who_wait_together_are_one_batch(tmp_path: Path) -> None:
    assert together(tmp_path, ["a", "b", "c"]) == (["a", "b", "c"], ["a", "b", "c"], [3])


def test_a_batch_has_a_limit_and_nobody_is_left_behind(tmp_path: Path) -> None:
    texts = [f"word {number}" for number in range(10)]
    assert together(tmp_path, texts, limit=4) == (texts, texts, [4, 4, 2])


def test_an_exception_in_a_place_is_that_callers_alone(tmp_path: Path) -> None:
    answers, kept, sizes = together(tmp_path, ["a", "taken", "b"])
    assert [type(answer) for answer in answers] == [str, Conflict, str]
    assert kept == ["a", "b"]
    assert sizes == [3]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_poison_item_fails_its_caller_alone(tmp_path: Path, place: int) -> None:
    texts = ["a", "b", "c"]
    texts.insert(place, "poison")
    answers, kept, sizes = together(tmp_path, texts)
    assert [answer for answer in answers if isinstance(answer, str)] == ["a", "b", "c"]
    assert isinstance(answers[place], LookupError)
    assert kept == ["a", "b", "c"]
    assert sizes == [4, 1, 1, 1, 1]


def test_stopping_finishes_a_batch_that_is_longer_than_its_limit(tmp_path: Path) -> None:
    sizes = Sizes()
    texts = [f"word {number}" for number in range(9)]

    async def story() -> list[object]:
        async with opened(tmp_path / "a.db") as db:
            ask = db.batched(sizes.add_all, limit=2)
            with writer_held(db) as release:
                await asyncio.sleep(0)
                waiting = [asyncio.ensure_future(ask(word)) for word in texts]
                await asyncio.sleep(0)
                stopping = asyncio.ensure_future(db.stop())
                await asyncio.sleep(0)
                late = asyncio.ensure_future(ask("late"))
                await asyncio.sleep(0)
                release()
                await stopping
                return await settled(*waiting, late)

    *answers, late = asyncio.run(story())
    assert answers == texts
    assert isinstance(late, DatabaseBusy)


def test_beyond_the_backlog_a_batched_caller_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clustergenie.platform.sqlite.BACKLOG", 3)
    answers, kept, _ = together(tmp_path, [f"word {number}" for number in range(6)])
    assert [type(answer) for answer in answers] == [str] * 3 + [DatabaseBusy] * 3
    assert len(kept) == 3
