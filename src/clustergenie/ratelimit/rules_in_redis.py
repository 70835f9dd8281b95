"""Keep rules in Redis as `limiter_config:<name>:<scope>`, tell every process of a change, and count the processes.

Redis is never the only one to know: SQL has the rules as well, and fills a Redis that has lost everything.
Loaded by name (`connect.py`), since redis-py is an extra.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from clustergenie.platform import clock
from clustergenie.platform.telemetry import log
from clustergenie.ratelimit.backend import LimiterDown
from clustergenie.ratelimit.rules import NewRule, Rule, Scope, from_json, made, to_json
from clustergenie.ratelimit.rules_in_sql import SqlRules
from clustergenie.ratelimit.store import MOST_RULES, TooManyRules

T = TypeVar("T")

INDEX = "limiter_configs"
VERSION = "limiter_configs:version"
PROCESSES = "limiter_processes"
CHANNEL = "limiter_configs"
ALIVE_SECONDS = 5.0
RECONNECT_SECONDS = 0.5


def rule_key(name: str, scope: Scope) -> str:
    """Built from what was validated, and from nothing else: no caller can name another key."""
    return f"limiter_config:{name}:{scope}"


class RedisRules:
    """Rules in Redis. `limiter_configs` lists them, so that finding them never scans the keys of others."""

    looks = True

    def __init__(self, redis: "Redis", archive: SqlRules) -> None:
        self._redis, self._archive = redis, archive
        self._me = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._listening: asyncio.Task[None] | None = None
        self._loaded = False
        self.processes = 1

    async def load(self) -> list[Rule]:
        """All of them; tells Redis on the way that this process is there. Until it answers once, those in SQL."""
        try:
            rules = await _answered(self._load())
        except LimiterDown:
            if self._loaded:
                raise
            return await self._archive.load()
        self._loaded = True
        return rules

    async def put(self, new: NewRule) -> Rule:
        """Make or replace one."""
        return await _answered(self._put(new))

    async def remove(self, name: str, scope: Scope) -> bool:
        """Whether there was one."""
        return await _answered(self._remove(name, scope))

    async def follow(self, changed: Callable[[], None]) -> None:
        """Listen until `close`."""
        self._listening = asyncio.create_task(self._listen(changed), name="limiter rules")

    async def close(self) -> None:
        """Stop listening, and say that this process is gone."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._redis.zrem(PROCESSES, self._me)

    async def _load(self) -> list[Rule]:
        now = time.time()
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.get(VERSION)
        pipeline.smembers(INDEX)
        pipeline.zadd(PROCESSES, {self._me: now})
        pipeline.zremrangebyscore(PROCESSES, "-inf", now - ALIVE_SECONDS)
        pipeline.zcard(PROCESSES)
        version, names, _, _, self.processes = await pipeline.execute()
        if version is None:
            return await self._fill()
        if not names:
            return []
        # One at a time and not MGET: in a Redis Cluster they are on different servers.
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.get(b"limiter_config:" + name)
        found = zip(names, await pipeline.execute(), strict=True)
        rules = [(name.decode(), from_json(content)) for name, content in found if content is not None]
        return [rule for name, rule in rules if rule is not None and f"{rule.name}:{rule.scope}" == name]

    async def _put(self, new: NewRule) -> Rule:
        rule = made(new, 0, clock.now())
        if await self._redis.scard(INDEX) >= MOST_RULES and not await self._redis.exists(rule_key(*rule.place)):
            raise TooManyRules(f"There are {MOST_RULES} limits already; delete one first.")
        if not await self._redis.exists(VERSION):
            await self._fill()
        rule = made(new, int(await self._redis.incr(VERSION)), clock.now())
        await self._archive.archive(rule)
        await self._store(rule)
        return rule

    async def _store(self, rule: Rule) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.sadd(INDEX, f"{rule.name}:{rule.scope}")
        pipeline.set(rule_key(*rule.place), to_json(rule))
        pipeline.publish(CHANNEL, f"{rule.name}:{rule.scope}")
        await pipeline.execute()

    async def _fill(self) -> list[Rule]:
        """Of several processes that find it empty each writes the same."""
        rules = await self._archive.load()
        for rule in rules:
            await self._store(rule)
        await self._redis.set(VERSION, max([rule.version for rule in rules], default=0), nx=True)
        return rules

    async def _remove(self, name: str, scope: Scope) -> bool:
        await self._archive.remove(name, scope)
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.delete(rule_key(name, scope))
        pipeline.srem(INDEX, f"{name}:{scope}")
        pipeline.publish(CHANNEL, f"{name}:{scope}")
        deleted, _, _ = await pipeline.execute()
        return bool(deleted)

    async def _listen(self, changed: Callable[[], None]) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    changed()
                    while True:
                        if await channel.get_message(timeout=5.0) is not None:
                            changed()
            except (RedisError, OSError, TimeoutError):
                pass  # the limits are looked up anyway, only later
            except Exception:  # noqa: BLE001 - whatever it was, the next connection may be better
                log().exception("changes of the limits could not be listened to")
            await asyncio.sleep(RECONNECT_SECONDS)


async def _answered(call: Awaitable[T]) -> T:
    try:
        return await call
    except (RedisError, OSError, TimeoutError) as trouble:
        raise LimiterDown(f"Redis does not answer: {str(trouble) or 'no answer in time'}.", retry_after=1) from trouble
