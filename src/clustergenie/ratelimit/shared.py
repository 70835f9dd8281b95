"""Keep buckets in Redis, so that every process takes from the same ones: one atomic script, the server's time.

Loaded by name (`connect.py`), since redis-py is an extra.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.backend import Ask, LimiterDown, redis_key
from clustergenie.ratelimit.breaker import Breaker

SCRIPT = Path(__file__).with_name("decide.lua").read_text()
TIMEOUT_SECONDS = 0.05
CROWD = 200
"""Decisions in one round trip."""

_Waiting = tuple[list[Any], "asyncio.Future[list[int]]"]
_TROUBLE = (RedisError, OSError, TimeoutError)


def client(url: str, *, timeout_seconds: float = 1.0) -> "Redis":
    """A client that says at once what is wrong: trying again is the breaker's business."""
    return Redis.from_url(
        url, socket_connect_timeout=timeout_seconds, socket_timeout=timeout_seconds, retry=Retry(NoBackoff(), 0)
    )


class RedisBackend:
    """Buckets of all processes. Decisions that are asked for while one round trip is under way share the next one."""

    source = "redis"

    def __init__(
        self,
        redis: "Redis",
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], int] | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._redis, self._timeout, self._clock = redis, timeout_seconds, clock
        self._breaker = breaker or Breaker(time.monotonic)
        self._sha = ""
        self._waiting: list[_Waiting] = []
        self._courier: asyncio.Task[None] | None = None

    async def decide(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """Take from all buckets or from none. Raises LimiterDown, at once while the server is known not to answer."""
        if not self._breaker.may_try():
            raise LimiterDown("Redis did not answer a moment ago.")
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._words(asks, cost, upto), future))
        if self._courier is None or self._courier.done():
            self._courier = asyncio.create_task(self._carry())
        answer = await future
        return plan.Decision(answer[0], tuple(answer[1::2]), tuple(answer[2::2]))

    async def close(self) -> None:
        """Let what is under way end."""
        if self._courier is not None:
            await self._courier

    def _words(self, asks: Sequence[Ask], cost: int, upto: int) -> list[Any]:
        words: list[Any] = [len(asks), *(redis_key(ask.key) for ask in asks)]
        words += (self._clock() if self._clock else -1, cost, upto)
        for ask in asks:
            words += (ask.terms.interval, ask.terms.per_micro, ask.terms.capacity, int(ask.enforced))
        return words

    async def _carry(self) -> None:
        while self._waiting:
            crowd, self._waiting = self._waiting[:CROWD], self._waiting[CROWD:]
            try:
                async with asyncio.timeout(self._timeout):
                    answers = await self._ask([words for words, _ in crowd])
            except _TROUBLE as trouble:
                self._breaker.failed()
                _fail(crowd, trouble)
                continue
            self._breaker.answered()
            for (_, future), answer in zip(crowd, answers, strict=True):
                if not future.done():
                    if isinstance(answer, Exception):
                        future.set_exception(LimiterDown(f"Redis refused: {answer}"))
                    else:
                        future.set_result(answer)

    async def _ask(self, crowd: list[list[Any]]) -> list[Any]:
        if not self._sha:
            self._sha = await self._load()
        answers = await self._send(crowd)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # the server was restarted or flushed
            self._sha = await self._load()
            lost = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            for place, answer in zip(lost, await self._send([crowd[place] for place in lost]), strict=True):
                answers[place] = answer
        return answers

    async def _send(self, crowd: list[list[Any]]) -> list[Any]:
        if len(crowd) == 1:  # a pipeline of one costs half as much again
            try:
                return [await self._redis.evalsha(self._sha, *crowd[0])]
            except NoScriptError as missing:
                return [missing]
        pipeline = self._redis.pipeline(transaction=False)
        for words in crowd:
            pipeline.evalsha(self._sha, *words)
        return await pipeline.execute(raise_on_error=False)

    async def _load(self) -> str:
        return await self._redis.script_load(SCRIPT)


def _fail(crowd: list[_Waiting], trouble: BaseException) -> None:
    reason = str(trouble) or "no answer in time"
    for _, future in crowd:
        if not future.done():
            future.set_exception(LimiterDown(f"Redis does not answer: {reason}."))
