"""Speak to Redis on one connection: some commands in a row, their answers in the same order.

At half the cost of the client's own way, which takes a connection from a pool and wraps each command for features that
a decision does not need. Loaded by name (`connect.py`), since redis-py is an extra.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError


class Wire:
    """One connection that is made when it is needed, also after it was lost. For one caller at a time."""

    def __init__(self, redis: "Redis") -> None:
        self._pool: Any = redis.connection_pool
        self._connection: Any = None
        self._connecting: asyncio.Task[None] | None = None

    async def send(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers; what Redis refuses is an exception in its place. Raises RedisError or OSError."""
        connection = self._connection
        # One that is still being made counts as connected for redis-py, while it greets the server.
        made = self._connecting is None or self._connecting.done()
        if connection is None or not made or not connection.is_connected:
            connection = await self._connected()
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await _answer(connection) for _ in commands]
        except BaseException:
            # Also when we are told to stop: an answer on its way must not be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise

    async def close(self) -> None:
        """Give the connection back."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
        if self._connection is not None:
            await self._pool.release(self._connection)
            self._connection = None

    async def _connected(self) -> Any:
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Who waits here has less time than a connection may take, over TLS and far away; the next one finds it made.
        await asyncio.shield(self._connecting)
        assert self._connection is not None
        return self._connection

    async def _connect(self) -> None:
        if self._connection is None:
            self._connection = await self._pool.get_connection()
        else:
            await self._connection.connect()


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as refused:
        return refused
