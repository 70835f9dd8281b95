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
from clustergenie.ratelimit.wire import Wire

SCRIPT = Path(__file__).with_name("decide.lua").read_text()
TIMEOUT_SECONDS = 0.05
CONNECT_SECONDS = 2.0
CROWD = 200
"""Decisions in one round trip."""

_Waiting = tuple[list[Any], "asyncio.Future[list[int]]"]
_TROUBLE = (RedisError, OSError, TimeoutError)


def client(url: str, *, timeout_seconds: float | None = None) -> "Redis":
    """A client that says at once what is wrong: trying again is the breaker's business.

    Without a time limit for answers, which redis-py keeps with a task for every write; `RedisBackend` has its own.
    """
    return Redis.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=timeout_seconds, retry=Retry(NoBackoff(), 0)
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
        self._wire, self._timeout, self._clock = Wire(redis), timeout_seconds, clock
        self._breaker = breaker or Breaker(time.monotonic)
        self._sha = ""
        self._busy = False
        self._waiting: list[_Waiting] = []
        self._courier: asyncio.Task[None] | None = None

    async def decide(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """Take from all buckets or from none. Raises LimiterDown, at once while the server is known not to answer."""
        if not self._breaker.may_try():
            raise LimiterDown("Redis did not answer a moment ago.")
        words = self._words(asks, cost, upto)
        if self._busy:
            future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
            self._waiting.append((words, future))
            answer = await future
        else:
            answer = await self._alone(words)
        return plan.Decision(answer[0], tuple(answer[1::2]), tuple(answer[2::2]))

    async def close(self) -> None:
        """Let what is under way end, and let go of the connection."""
        if self._courier is not None:
            await self._courier
        await self._wire.close()

    def _words(self, asks: Sequence[Ask], cost: int, upto: int) -> list[Any]:
        words: list[Any] = [len(asks), *(redis_key(ask.key) for ask in asks)]
        words += (self._clock() if self._clock else -1, cost, upto)
        for ask in asks:
            words += (ask.terms.interval, ask.terms.per_micro, ask.terms.capacity, int(ask.enforced))
        return words

    async def _alone(self, words: list[Any]) -> list[int]:
        """The one decision that is asked for now, without the cost of a task; whoever comes meanwhile goes together."""
        self._busy = True
        try:
            (answer,) = await self._answers([words])
        finally:
            self._busy = bool(self._waiting)
            if self._busy:
                self._courier = asyncio.create_task(self._carry())
        return _good(answer)

    async def _carry(self) -> None:
        try:
            while self._waiting:
                crowd, self._waiting = self._waiting[:CROWD], self._waiting[CROWD:]
                try:
                    answers = await self._answers([words for words, _ in crowd])
                except LimiterDown as down:
                    answers = [down] * len(crowd)
                for (_, future), answer in zip(crowd, answers, strict=True):
                    if not future.done():
                        _settle(future, answer)
        finally:
            self._busy = False

    async def _answers(self, crowd: list[list[Any]]) -> list[Any]:
        try:
            async with asyncio.timeout(self._timeout):
                answers = await self._ask(crowd)
        except _TROUBLE as trouble:
            self._breaker.failed()
            reason = str(trouble) or "no answer in time"
            raise LimiterDown(f"Redis does not answer: {reason}.") from trouble
        self._breaker.answered()
        return answers

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
        return await self._wire.send([("EVALSHA", self._sha, *words) for words in crowd])

    async def _load(self) -> str:
        (sha,) = await self._wire.send([("SCRIPT", "LOAD", SCRIPT)])
        if isinstance(sha, Exception):
            raise sha
        return str(sha, "ascii")


def _good(answer: Any) -> list[int]:
    if isinstance(answer, LimiterDown):
        raise answer
    if isinstance(answer, Exception):
        raise LimiterDown(f"Redis refused: {answer}.") from answer
    good: list[int] = answer
    return good


def _settle(future: "asyncio.Future[list[int]]", answer: Any) -> None:
    try:
        future.set_result(_good(answer))
    except LimiterDown as down:
        future.set_exception(down)
