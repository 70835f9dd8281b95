"""The embedded bus wakes who is concerned, says how far everyone is, and gives dead letters another chance."""

import asyncio
from pathlib import Path

import pytest

from clustergenie import events
from clustergenie.events.dead_letters import AlreadyReplayed, UnknownDeadLetter
from clustergenie.events.replay import NoSuchConsumer, ReplayFailed
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict
from clustergenie.platform.event import Event
from clustergenie.platform.telemetry import registry
from tests.events.logs import consumer, emit, happened, opened, record, recorded
from tests.waiting import poll_until_async


class Moody:
    """A handler that refuses until it is told otherwise."""

    def __init__(self) -> None:
        self.refuses = True

    def handle(self, tx: Tx, event: Event) -> None:
        record("g")(tx, event)
        if self.refuses:
            raise Conflict("not today")


async def with_a_dead_letter(db: Database) -> tuple[events.EmbeddedBus, Moody]:
    moody = Moody()
    bus = events.EmbeddedBus(db, [consumer(moody.handle)])
    await bus.open()
    await db.write(emit, happened("a", payload={"n": 1}))
    await bus.deliveries["g"].run_once()
    return bus, moody


def test_a_commit_wakes_the_consumers_it_concerns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clustergenie.events.consumer.POLL_SECONDS", 3600.0)  # only the wake-up can bring it

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus = events.EmbeddedBus(
                db,
                [
                    consumer(record("g")),
                    consumer(record("other"), group="other", types=frozenset({"job_failed"})),
                ],
            )
            await bus.start()
            for seq in range(1, 4):
                await db.write(emit, happened("a", seq))
                await poll_until_async(lambda seq=seq: counted(db, seq))
            assert await db.read(recorded, "other") == []
            status = await bus.status()
            assert {group.group: group.lag for group in status.groups} == {"g": 0, "other": 0}
            await bus.stop()

    async def counted(db: Database, wanted: int) -> bool:
        return len(await db.read(recorded)) == wanted

    asyncio.run(story())


def test_events_of_before_the_start_are_delivered_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            await db.write(emit, happened("a"))
            bus = events.EmbeddedBus(db, [consumer(record("g"))])
            await bus.start()
            await poll_until_async(lambda: db.read(recorded))
            await bus.stop()

    asyncio.run(story())


def test_stopping_is_prompt_and_what_was_under_way_is_whole(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus = events.EmbeddedBus(db, [consumer(record("g"), batch=3)])
            await db.write(emit, *[happened("a", seq) for seq in range(1, 500)])
            await bus.start()
            await poll_until_async(lambda: db.read(recorded))
            await bus.stop()
            again = events.EmbeddedBus(db, [consumer(record("g"))])
            await again.open()
            while await again.deliveries["g"].run_once():
                pass
            assert await db.read(recorded) == [("a", seq) for seq in range(1, 500)]

    asyncio.run(story())


def test_two_consumers_of_one_group_are_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            with pytest.raises(ValueError, match="group of its own"):
                events.EmbeddedBus(db, [consumer(record("g")), consumer(record("g"))])

    asyncio.run(story())


def test_the_status_tells_places_lags_dead_letters_and_groups_nobody_runs(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus, _ = await with_a_dead_letter(db)
            await db.write(emit, happened("b"), happened("c"))
            status = await bus.status()
            assert (status.log.oldest, status.log.newest, status.log.size) == (1, 3, 3)
            assert status.dead_letters == 1
            (group,) = status.groups
            assert (group.group, group.active, group.position, group.lag, group.dead_letters) == ("g", True, 1, 2, 1)
            assert registry.get_sample_value("clustergenie_bus_lag", {"group": "g"}) == 2
            (abandoned,) = (await events.EmbeddedBus(db, []).status()).groups
            assert (abandoned.group, abandoned.active, abandoned.lag) == ("g", False, 2)

    asyncio.run(story())


def test_events_and_dead_letters_are_counted(tmp_path: Path) -> None:
    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0

    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            started = value("clustergenie_events_total", type="job_started")
            other = value("clustergenie_events_total", type="_other")
            dead = value("clustergenie_dead_letters_total", group="g")
            await with_a_dead_letter(db)
            await db.write(emit, happened("b"), happened("c", kind="of_tomorrow"))
            assert value("clustergenie_events_total", type="job_started") == started + 2
            assert value("clustergenie_events_total", type="_other") == other + 1
            assert value("clustergenie_dead_letters_total", group="g") == dead + 1

    asyncio.run(story())


def test_a_replayed_dead_letter_has_its_effect_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus, moody = await with_a_dead_letter(db)
            assert await db.read(recorded) == []
            moody.refuses = False
            letter = await bus.replay(1)
            assert letter.replayed_at is not None
            assert (letter.event.key, letter.event.payload) == ("a", {"n": 1})
            assert await db.read(recorded) == [("a", 1)]
            with pytest.raises(AlreadyReplayed):
                await bus.replay(1)
            assert await db.read(recorded) == [("a", 1)]
            assert (await bus.status()).dead_letters == 0

    asyncio.run(story())


def test_a_replay_that_fails_keeps_the_letter_and_undoes_the_effect(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus, moody = await with_a_dead_letter(db)
            with pytest.raises(ReplayFailed, match="not today"):
                await bus.replay(1)
            assert await db.read(recorded) == []
            moody.refuses = False
            assert (await bus.replay(1)).attempts == 4

    asyncio.run(story())


def test_two_replays_at_once_have_one_effect(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus, moody = await with_a_dead_letter(db)
            moody.refuses = False
            answers = await asyncio.gather(bus.replay(1), bus.replay(1), return_exceptions=True)
            assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyReplayed", "DeadLetter"]
            assert await db.read(recorded) == [("a", 1)]

    asyncio.run(story())


def test_a_replay_needs_a_letter_and_someone_to_take_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path / "a.db") as db:
            bus, _ = await with_a_dead_letter(db)
            with pytest.raises(UnknownDeadLetter):
                await bus.replay(2)
            with pytest.raises(NoSuchConsumer):
                await events.EmbeddedBus(db, []).replay(1)

    asyncio.run(story())
