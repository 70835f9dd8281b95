"""Let callers take turns by key, so that nothing is done twice at once to the same droplet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Locks by key that exist only while somebody holds or waits for them."""

    def __init__(self) -> None:
        self._queues: dict[str, tuple[asyncio.Lock, list[None]]] = {}

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Wait for the turn of this key, and hold it inside the block."""
        lock, waiting = self._queues.setdefault(key, (asyncio.Lock(), []))
        waiting.append(None)
        try:
            async with lock:
                yield
        finally:
            waiting.pop()
            if not waiting:
                del self._queues[key]
