"""What a place that keeps buckets provides, and what it is asked."""

import functools
import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from clustergenie.platform.errors import Unavailable
from clustergenie.ratelimit import plan


class LimiterDown(Unavailable):
    """The limiter cannot reach where it keeps its state."""


class Key(NamedTuple):
    """Which bucket: of which limiter, for which kind of scope, for whom (empty for all together)."""

    limiter: str
    scope: str
    id: str


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One bucket to take from. One that is not enforced is only watched."""

    key: Key
    terms: plan.Terms
    enforced: bool = True


class Backend(Protocol):
    """See `memory.py` and `shared.py`; one property test holds both to the same decisions."""

    source: str

    async def decide(self, asks: Sequence[Ask], cost: int = 1, upto: int = 0) -> plan.Decision:
        """Take from all buckets or from none. Raises LimiterDown."""


@functools.lru_cache(maxsize=8192)
def redis_key(key: Key) -> str:
    """The name of a bucket in Redis. All buckets of a limiter share a hash tag, so that one script may take from them.

    Who it is for is hashed: nobody's address or id is to be read from a list of keys, or can break out of it.
    """
    digest = hashlib.blake2b(key.id.encode(), digest_size=16).hexdigest()
    return f"{{limiter:{key.limiter}}}:{key.scope}:{digest}"
