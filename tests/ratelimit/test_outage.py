"""While Redis is away requests go on, each process counts for itself, it is said once, and all is well again after."""

import asyncio
import time
from pathlib import Path

import pytest

from clustergenie.platform import telemetry
from clustergenie.ratelimit.breaker import FAILURES, LONGEST_PAUSE_SECONDS, Breaker
from tests.live_server import free_port
from tests.ratelimit.limited_server import Served, served
from tests.ratelimit.servers import RedisServer, redis_server
from tests.waiting import poll_until_async

RATE, CAPACITY = 20, 10


def gauge() -> float | None:
    return telemetry.registry.get_sample_value("clustergenie_rate_limit_degraded")


def lines(text: str, words: str) -> list[str]:
    return [line for line in text.splitlines() if words in line]


def test_redis_is_killed_and_comes_back_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def load(here: Served, until: asyncio.Event, answers: list[tuple[float, int]]) -> None:
        while not until.is_set():
            answer = await here.client.post("/clusters/hot/things")
            answers.append((time.monotonic(), answer.status_code))

    async def story(redis: RedisServer) -> None:
        async with served(tmp_path / "a", CLUSTERGENIE_REDIS_URL=redis.url) as here:
            await here.rule("things", "cluster", CAPACITY, RATE)
            answers: list[tuple[float, int]] = []
            until = asyncio.Event()
            loads = [asyncio.create_task(load(here, until, answers)) for _ in range(3)]
            await poll_until_async(lambda: _seen(answers, 50), 20)
            redis.kill()
            await poll_until_async(lambda: _degraded(here, True), 20)
            mark, away = len(answers), time.monotonic()
            await poll_until_async(lambda: _seen(answers, mark + 200), 20)
            passed = [at for at, status in answers if at >= away and status == 201]
            assert {status for _, status in answers} <= {201, 429}
            # The bucket of the process was full when Redis went: it holds that much again, and no more.
            assert len(passed) <= CAPACITY + RATE * (time.monotonic() - away) + 3
            assert gauge() == 1
            redis.start()
            await poll_until_async(lambda: _degraded(here, False), 20)
            until.set()
            await asyncio.gather(*loads)
            assert {status for _, status in answers} <= {201, 429}
            assert gauge() == 0

    with redis_server(tmp_path, free_port()) as redis:
        asyncio.run(story(redis))
    said = capsys.readouterr().out
    assert len(lines(said, "each process for itself until Redis is back")) == 1
    assert len(lines(said, "limits are counted in Redis again")) == 1


async def _seen(answers: list[tuple[float, int]], count: int) -> bool:
    return len(answers) >= count


async def _degraded(here: Served, wanted: bool) -> bool:
    await here.client.post("/clusters/probe/things")
    return here.service.limiter.degraded is wanted


def test_a_rule_says_what_happens_without_redis(tmp_path: Path) -> None:
    async def story(redis: RedisServer) -> None:
        async with served(tmp_path / "a", CLUSTERGENIE_REDIS_URL=redis.url) as here:
            await here.rule("things", "cluster", 1, 0.01, on_error="deny")
            redis.kill()
            closed = await here.client.post("/clusters/a/things")
            assert closed.status_code == 503
            assert closed.json()["type"].endswith("limiter-closed")
            assert int(closed.headers["retry-after"]) >= 1
            # Rules cannot be changed now, and looking at a bucket says which one it is.
            body = {"name": "things", "scope": "cluster", "capacity": 1, "refill_rate": 1}
            assert (await here.client.post("/observability/ratelimit/config", json=body)).status_code == 503
            looked = await here.client.get("/observability/ratelimit?name=things&scope_id=a")
            assert (looked.json()["source"], looked.json()["degraded"]) == ("local", True)
            redis.start()
            await here.service.limiter.rules.refresh()
            await here.rule("things", "cluster", 1, 0.01, on_error="allow")
            redis.kill()
            answers = [await here.client.post("/clusters/a/things") for _ in range(5)]
            assert [each.status_code for each in answers] == [201] * 5

    with redis_server(tmp_path, free_port()) as redis:
        asyncio.run(story(redis))


def test_a_server_that_hangs_holds_nobody_up_for_long(tmp_path: Path) -> None:
    async def story(redis: RedisServer) -> None:
        async with served(tmp_path / "a", CLUSTERGENIE_REDIS_URL=redis.url) as here:
            await here.rule("things", "cluster", 1000, 1000)
            assert (await here.client.post("/clusters/a/things")).status_code == 201
            with redis.frozen():
                answers = [await here.client.post(f"/clusters/{number}/things") for number in range(20)]
                assert [each.status_code for each in answers] == [201] * 20
                assert here.service.limiter.degraded
            await poll_until_async(lambda: _degraded(here, False), 20)

    with redis_server(tmp_path, free_port()) as redis:
        asyncio.run(story(redis))


def test_a_process_starts_without_redis_and_takes_it_up_when_it_is_there(tmp_path: Path) -> None:
    async def story(redis: RedisServer) -> None:
        redis.kill()
        async with served(tmp_path / "a", CLUSTERGENIE_REDIS_URL=redis.url, CLUSTERGENIE_JOBS_CAP="3") as here:
            assert [(await here.create()).status_code for _ in range(3)] == [201] * 3
            redis.start()

            async def shared() -> bool:
                await here.create()
                return not here.service.limiter.degraded

            await poll_until_async(shared, 20)

    with redis_server(tmp_path, free_port()) as redis:
        asyncio.run(story(redis))


def test_without_redis_each_of_some_processes_has_its_share(tmp_path: Path) -> None:
    async def known(here: Served) -> bool:
        return here.service.limiter.rules.processes == 2

    async def passed(here: Served) -> int:
        return [(await here.client.post("/clusters/a/things")).status_code for _ in range(20)].count(201)

    async def story(redis: RedisServer) -> None:
        environment = {"CLUSTERGENIE_REDIS_URL": redis.url}
        async with served(tmp_path / "a", **environment) as here, served(tmp_path / "b", **environment) as there:
            await here.rule("things", "cluster", 10, 0.01)
            await here.service.limiter.rules.refresh()
            await there.service.limiter.rules.refresh()
            await poll_until_async(lambda: known(here))
            await poll_until_async(lambda: known(there))
            redis.kill()
            assert (await passed(here), await passed(there)) == (5, 5)

    with redis_server(tmp_path, free_port()) as redis:
        asyncio.run(story(redis))


def test_a_breaker_opens_lets_one_try_and_waits_longer_each_time() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.may_try()
        breaker.failed()
    pauses = []
    for _ in range(6):
        begun = now[0]
        while not breaker.may_try():
            now[0] += 0.25
        assert not breaker.may_try()
        pauses.append(now[0] - begun)
        breaker.failed()
    assert pauses == [0.5, 1.0, 2.0, 4.0, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    breaker.answered()
    assert breaker.may_try()
    assert breaker.may_try()
