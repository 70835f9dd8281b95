"""Keep rules in the database: what is committed holds at once in this process, and soon in the others."""

from collections.abc import Callable

from sqlalchemy import delete, insert, select, update

from clustergenie.platform.db import Database, Tx
from clustergenie.ratelimit.rules import NewRule, Rule, Scope, as_columns, made
from clustergenie.ratelimit.store import TooManyRules, most_rules
from clustergenie.ratelimit.tables import limiter_rules, limiter_version


class SqlRules:
    """Rules in the table `limiter_rules`."""

    processes = 1

    def __init__(self, db: Database) -> None:
        self._db = db
        self._changed: Callable[[], None] = _nothing
        # One process has an SQLite database to itself and hears of every change; others have to look.
        self.looks = db.dialect != "sqlite"

    async def load(self) -> list[Rule]:
        """All of them."""
        return await self._db.read(_load)

    async def put(self, new: NewRule) -> Rule:
        """Make or replace one. Raises Invalid, TooManyRules."""
        return await self._db.write(self._put, new)

    async def remove(self, name: str, scope: Scope) -> bool:
        """Whether there was one."""
        return await self._db.write(self._remove, name, scope)

    async def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever rules may have changed."""
        self._changed = changed

    async def close(self) -> None:
        """Stop following."""
        self._changed = _nothing

    def _put(self, tx: Tx, new: NewRule) -> Rule:
        rule = made(new, _next_version(tx), tx.now)
        here = (limiter_rules.c.name == rule.name) & (limiter_rules.c.scope == rule.scope)
        known = [row.name == rule.name and row.scope == rule.scope for row in tx.execute(select(limiter_rules))]
        if any(known):
            tx.execute(update(limiter_rules).where(here).values(as_columns(rule)))
        else:
            if len(known) >= most_rules:
                raise TooManyRules(f"There are {most_rules} limits already; delete one first.")
            tx.execute(insert(limiter_rules).values(as_columns(rule)))
        tx.after_commit(self._changed)
        return rule

    def _remove(self, tx: Tx, name: str, scope: Scope) -> bool:
        here = (limiter_rules.c.name == name) & (limiter_rules.c.scope == scope)
        gone = tx.execute(delete(limiter_rules).where(here)).rowcount > 0
        tx.after_commit(self._changed)
        return gone


def _nothing() -> None:
    """Nobody follows."""


def _load(tx: Tx) -> list[Rule]:
    return [Rule(**row._mapping, source="stored") for row in tx.execute(select(limiter_rules))]


def _next_version(tx: Tx) -> int:
    if not tx.execute(update(limiter_version).values(version=limiter_version.c.version + 1)).rowcount:
        tx.execute(insert(limiter_version).values(version=1))
    return int(tx.execute(select(limiter_version.c.version)).scalar_one())
