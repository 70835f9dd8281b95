"""What a place that keeps rules provides."""

from collections.abc import Callable
from typing import Protocol

from clustergenie.platform.errors import Conflict
from clustergenie.ratelimit.rules import NewRule, Rule, Scope

MOST_RULES = 1000
"""Stored; every process holds all of them."""


class TooManyRules(Conflict):
    """There are too many limits."""


class RuleStore(Protocol):
    """See `rules_in_sql.py` and `rules_in_redis.py`."""

    processes: int
    """How many processes take from the same buckets, as far as is known."""
    looks: bool
    """Whether changes have to be looked for, because others may make them."""

    async def load(self) -> list[Rule]:
        """All of them. Raises LimiterDown."""

    async def put(self, new: NewRule) -> Rule:
        """Make or replace one, with a version above all before it. Raises Invalid, TooManyRules, LimiterDown."""

    async def remove(self, name: str, scope: Scope) -> bool:
        """Whether there was one. Raises LimiterDown."""

    async def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever rules may have changed."""

    async def close(self) -> None:
        """Stop following."""
