"""Rules change while requests run: at once here, within a second everywhere; bad ones are refused with the place."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from clustergenie import ratelimit
from clustergenie.platform import config
from clustergenie.platform.errors import CannotStart
from clustergenie.ratelimit.in_force import RulesInForce
from clustergenie.ratelimit.rules import NewRule, Rule, Scope
from clustergenie.ratelimit.shared import client
from tests.ratelimit.limited_server import Served, served
from tests.ratelimit.servers import RedisServer
from tests.waiting import poll_until_async

CONFIG = "/observability/ratelimit/config"
GOOD: dict[str, Any] = {"name": "things", "scope": "cluster", "capacity": 5, "refill_rate": 1}


def run(folder: Path, story: Callable[[Served], Awaitable[None]], **environment: str) -> None:
    async def play() -> None:
        async with served(folder, **environment) as here:
            await story(here)

    asyncio.run(play())


@pytest.fixture(params=["sql", "redis"])
def kept_in(request: pytest.FixtureRequest, redis: RedisServer) -> dict[str, str]:
    """The environment of a process that keeps its rules in SQL, or in Redis."""
    return {"CLUSTERGENIE_REDIS_URL": redis.url} if request.param == "redis" else {}


def test_a_rule_is_made_listed_changed_and_deleted(tmp_path: Path, kept_in: dict[str, str]) -> None:
    async def story(here: Served) -> None:
        first = await here.rule("things", "cluster", 5, 1)
        assert (first["source"], first["on_error"], first["shadow"]) == ("stored", "local", False)
        second = await here.rule("things", "cluster", 7, 2.5, on_error="deny")
        assert second["version"] > first["version"]
        got = (await here.client.get(CONFIG, params={"name": "things", "scope": "cluster"})).json()["config"]
        assert (got["capacity"], got["refill_rate"], got["on_error"]) == (7, 2.5, "deny")
        listed = (await here.client.get(f"{CONFIG}/list")).json()
        assert [(rule["name"], rule["scope"], rule["source"]) for rule in listed["configs"]] == [
            ("diagnosis", "cluster", "default"), ("jobs_create", "user", "default"), ("things", "cluster", "stored"),
        ]  # fmt: skip
        assert listed["total"] == 3
        gone = await here.client.delete(CONFIG, params={"name": "things", "scope": "cluster"})
        assert gone.json() == {"config": None, "message": "deleted"}
        again = await here.client.delete(CONFIG, params={"name": "things", "scope": "cluster"})
        assert again.status_code == 404
        assert again.json()["type"].endswith("rule-not-found")
        assert (await here.rule("things", "cluster", 5, 1))["version"] > second["version"]
        await here.client.delete(CONFIG, params={"name": "things", "scope": "cluster"})

    run(tmp_path, story, **kept_in)


def test_a_stored_rule_goes_before_the_default_which_comes_back(tmp_path: Path, kept_in: dict[str, str]) -> None:
    async def story(here: Served) -> None:
        await here.rule("jobs_create", "user", 1, 0.01)
        assert [(await here.create(**{"X-User-ID": "eve"})).status_code for _ in range(2)] == [201, 429]
        left = await here.client.delete(CONFIG, params={"name": "jobs_create", "scope": "user"})
        assert left.json()["config"]["source"] == "default"
        assert left.json()["config"]["capacity"] == 100
        assert (await here.create(**{"X-User-ID": "eve"})).status_code in (201, 429)

    run(tmp_path, story, **kept_in)


def test_a_change_is_in_force_in_other_processes_within_a_second(tmp_path: Path, redis: RedisServer) -> None:
    async def holds(there: Served, capacity: int) -> bool:
        return any(limit.rule.capacity == capacity for limit in there.service.limiter.rules.limits("spread"))

    async def play() -> None:
        environment = {"CLUSTERGENIE_REDIS_URL": redis.url}
        async with served(tmp_path / "a", **environment) as here, served(tmp_path / "b", **environment) as there:
            took = []
            for capacity in (3, 9, 4, 8, 5):
                begun = time.monotonic()
                await here.rule("spread", "global", capacity, 1)
                await poll_until_async(lambda wanted=capacity: holds(there, wanted))
                took.append(time.monotonic() - begun)
            assert sorted(took)[2] < 1.0, took  # the promise itself, and not that this machine never pauses
            await poll_until_async(lambda: _counted(here, 2))
            await here.client.delete(CONFIG, params={"name": "spread", "scope": "global"})

    asyncio.run(play())


async def _counted(here: Served, processes: int) -> bool:
    return here.service.limiter.rules.processes >= processes


def test_lowering_a_capacity_binds_at_once(tmp_path: Path, kept_in: dict[str, str]) -> None:
    async def story(here: Served) -> None:
        await here.rule("things", "cluster", 100, 0.01)
        assert (await here.client.post("/clusters/low/things")).status_code == 201
        await here.rule("things", "cluster", 2, 0.01)
        answers = [await here.client.post("/clusters/low/things") for _ in range(3)]
        assert [each.status_code for each in answers].count(201) <= 2
        await here.client.delete(CONFIG, params={"name": "things", "scope": "cluster"})

    run(tmp_path, story, **kept_in)


def test_deleting_a_rule_touches_no_other_key(tmp_path: Path, redis: RedisServer) -> None:
    async def story(here: Served) -> None:
        await here.rule("things", "cluster", 5, 1)
        async with client(redis.url, timeout_seconds=30) as connection:
            others = {"precious": "1", "limiter_config:things": "2", "limiter_config:other:cluster": "3", "*": "4"}
            await connection.mset(others)
            wishes: list[dict[str, str]] = [
                {"name": "precious", "scope": "cluster"},
                {"name": "*", "scope": "cluster"},
                {"name": "other:cluster", "scope": "user"},
                {"name": "../precious", "scope": "cluster"},
                {"name": "things\nprecious", "scope": "cluster"},
                {"name": "things", "scope": "precious"},
                {"name": "things", "scope": "*"},
                {"key": "precious"},
                {"name": "things", "scope": "cluster", "key": "precious"},
                {"name": "things", "scope": "cluster"},
            ]
            answers = [(await here.client.delete(CONFIG, params=wish)).status_code for wish in wishes]
            assert answers == [404, *[422] * 8, 200]
            assert [value.decode() for value in await connection.mget(list(others))] == list(others.values())
            assert await connection.exists("limiter_config:things:cluster") == 0
            await connection.delete(*others)

    run(tmp_path, story, CLUSTERGENIE_REDIS_URL=redis.url)


def test_what_someone_else_wrote_into_a_rule_takes_no_other_away(tmp_path: Path, redis: RedisServer) -> None:
    async def story(here: Served) -> None:
        await here.rule("sound", "global", 5, 1)
        for content in ("nonsense", json.dumps({**GOOD, "name": "bad", "capacity": -1, "scope": "global"}), "[]"):
            async with client(redis.url, timeout_seconds=30) as connection:
                await connection.sadd("limiter_configs", "bad:global")
                await connection.set("limiter_config:bad:global", content)
            await here.service.limiter.rules.refresh()
            assert here.service.limiter.rules.limits("sound")
            assert not here.service.limiter.rules.limits("bad")
        await here.client.delete(CONFIG, params={"name": "bad", "scope": "global"})
        await here.client.delete(CONFIG, params={"name": "sound", "scope": "global"})

    run(tmp_path, story, CLUSTERGENIE_REDIS_URL=redis.url)


BAD: list[tuple[dict[str, Any] | str, str]] = [
    ({**GOOD, "refill_rate": 0}, "/refill_rate"),
    ({**GOOD, "refill_rate": -1}, "/refill_rate"),
    ({**GOOD, "refill_rate": "NaN"}, "/refill_rate"),
    ({**GOOD, "refill_rate": None}, "/refill_rate"),
    ({**GOOD, "refill_rate": 1e10}, "/refill_rate"),
    ({**GOOD, "refill_rate": 10**400}, ""),
    ({**GOOD, "refill_rate": 1e-9}, "/capacity"),
    ({**GOOD, "capacity": 0}, "/capacity"),
    ({**GOOD, "capacity": -5}, "/capacity"),
    ({**GOOD, "capacity": 1.5}, "/capacity"),
    ({**GOOD, "capacity": 10**10}, "/capacity"),
    ({**GOOD, "capacity": 10**30}, "/capacity"),
    ({**GOOD, "capacity": 10**9, "refill_rate": 1}, "/capacity"),
    ({**GOOD, "name": ""}, "/name"),
    ({**GOOD, "name": "Big"}, "/name"),
    ({**GOOD, "name": "a\n"}, "/name"),
    ({**GOOD, "name": "a:b"}, "/name"),
    ({**GOOD, "name": "x" * 65}, "/name"),
    ({**GOOD, "scope": "user:ada"}, "/scope"),
    ({**GOOD, "on_error": "panic"}, "/on_error"),
    ({**GOOD, "key": "precious"}, ""),
    ({"name": "things"}, "/capacity"),
    ('{"name":"things","capacity":5,"refill_rate":NaN}', ""),
    ('{"name":"things","capacity":5,"refill_rate":1e999}', ""),
]


@pytest.mark.parametrize(("body", "pointer"), BAD)
def test_a_rule_that_cannot_be_kept_is_refused_with_the_place(
    tmp_path: Path, body: dict[str, Any] | str, pointer: str
) -> None:
    async def story(here: Served) -> None:
        content = body if isinstance(body, str) else json.dumps(body)
        answer = await here.client.post(CONFIG, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in ((422,) if pointer else (400, 422)), answer.text
        assert answer.json()["detail"]
        if pointer:
            assert answer.json()["errors"][0]["pointer"] == pointer
        assert (await here.client.get(f"{CONFIG}/list")).json()["total"] == 2

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ({"name": "jobs_create", "scope_id": "a\nb"}, 422, "?scope_id"),
        ({"name": "jobs_create", "scope_id": "x" * 10_000}, 422, "?scope_id"),
        ({"name": "jobs_create", "scope_id": ""}, 422, "?scope_id"),
        ({"name": "diagnosis"}, 422, "?scope_id"),
        ({"name": "jobs_create", "scope_type": "all", "scope_id": "a"}, 422, "?scope_type"),
        ({"name": "a b", "scope_id": "a"}, 422, "?name"),
        ({"scope_id": "a"}, 422, None),
        ({"name": "jobs_create", "scope_type": "global"}, 404, None),
        ({"name": "unknown"}, 404, None),
    ],
)
def test_a_look_at_what_is_no_bucket_is_refused(
    tmp_path: Path, query: dict[str, str], status: int, pointer: str | None
) -> None:
    async def story(here: Served) -> None:
        answer = await here.client.get("/observability/ratelimit", params=query)
        assert answer.status_code == status, answer.text
        if pointer:
            assert answer.json()["errors"][0]["pointer"] == pointer

    run(tmp_path, story)


def test_looking_charges_nothing(tmp_path: Path, kept_in: dict[str, str]) -> None:
    async def look(here: Served, base: str = "") -> dict[str, Any]:
        asked = {"name": "jobs_create", "scope_type": "user", "scope_id": "looker"}
        answer: httpx.Response = await here.client.get(f"{base}/observability/ratelimit", params=asked)
        found: dict[str, Any] = answer.json()
        return found

    async def story(here: Served) -> None:
        seen = [await look(here, base) for base in ("", "/api/v1") for _ in range(20)]
        assert {each["available"] for each in seen} == {100}
        assert seen[0]["capacity"] == 100
        assert seen[0]["refill_rate"] == 50
        assert seen[0]["retry_after"] == seen[0]["reset"] == 0
        await here.rule("jobs_create", "user", 2, 0.01)
        for _ in range(3):
            await here.create(**{"X-User-ID": "looker"})
        empty = await look(here)
        assert empty["available"] == 0
        assert 0 < empty["retry_after"] <= 100 < empty["reset"] <= 200
        await here.client.delete(CONFIG, params={"name": "jobs_create", "scope": "user"})

    run(tmp_path, story, **kept_in)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CLUSTERGENIE_JOBS_RATE": "0"}, ["CLUSTERGENIE_JOBS_RATE", "0.0"]),
        ({"CLUSTERGENIE_JOBS_RATE": "-5"}, ["CLUSTERGENIE_JOBS_RATE", "-5"]),
        ({"CLUSTERGENIE_DIAG_RATE": "nan"}, ["CLUSTERGENIE_DIAG_RATE", "nan"]),
        ({"CLUSTERGENIE_DIAG_RATE": "inf"}, ["CLUSTERGENIE_DIAG_RATE", "inf"]),
        ({"CLUSTERGENIE_DIAG_RATE": "many"}, ["CLUSTERGENIE_DIAG_RATE", "a number"]),
        ({"CLUSTERGENIE_JOBS_CAP": "0"}, ["CLUSTERGENIE_JOBS_CAP", "from 1"]),
        ({"CLUSTERGENIE_DIAG_CAP": "1e12"}, ["CLUSTERGENIE_DIAG_CAP"]),
        ({"CLUSTERGENIE_JOBS_SCOPE": "planet"}, ["CLUSTERGENIE_JOBS_SCOPE", "global, user, cluster, none"]),
        ({"CLUSTERGENIE_REDIS_URL": "http://u:secret@h"}, ["CLUSTERGENIE_REDIS_URL", "redis://"]),
    ],
)
def test_a_setting_that_cannot_be_stops_the_start_with_a_sentence(
    tmp_path: Path, environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(CannotStart) as refused:
        config.load({}, environ, tmp_path)
    assert all(word in str(refused.value) for word in words)
    assert "secret" not in str(refused.value)


def test_a_default_that_would_take_years_to_fill_stops_the_start(tmp_path: Path) -> None:
    slow = config.load({}, {"CLUSTERGENIE_JOBS_RATE": "0.001", "CLUSTERGENIE_JOBS_CAP": "1000000"}, tmp_path)
    with pytest.raises(CannotStart, match="more than a year"):
        ratelimit.build(slow, None)  # type: ignore[arg-type]  # it is refused before the database is looked at


def test_redis_without_its_library_stops_the_start_with_the_line_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    wanted = config.load({}, {"CLUSTERGENIE_REDIS_URL": "redis://127.0.0.1/0"}, tmp_path)
    with pytest.raises(CannotStart, match=r"pip install 'clustergenie\[redis\]'"):
        ratelimit.build(wanted, None)  # type: ignore[arg-type]


def test_a_rate_means_what_was_written() -> None:
    rule = Rule(name="a", scope="global", capacity=1, refill_rate=0.1)
    assert (rule.terms().interval, rule.terms().per_micro) == (10_000_000, 1)


class Odd:
    """Keeps one rule, and fails the second time it is asked, as nobody expected."""

    processes, looks = 1, True

    def __init__(self) -> None:
        self.asked = 0

    async def load(self) -> list[Rule]:
        self.asked += 1
        if self.asked == 2:
            raise RuntimeError("what nobody thought of")
        return [Rule(name="things", scope="global", capacity=self.asked, refill_rate=1)]

    async def put(self, new: NewRule) -> Rule:
        raise NotImplementedError

    async def remove(self, name: str, scope: Scope) -> bool:
        raise NotImplementedError

    async def follow(self, changed: Callable[[], None]) -> None:
        """Nobody tells it anything."""

    async def close(self) -> None:
        """It holds nothing."""


def test_a_look_that_fails_for_any_reason_is_not_the_last() -> None:
    async def story() -> None:
        rules = RulesInForce(Odd())
        await rules.start()

        async def anew() -> bool:
            return rules.get("things").capacity > 2

        try:
            assert rules.get("things").capacity == 1
            await poll_until_async(anew)
        finally:
            await rules.stop()

    asyncio.run(story())
