"""Keep rules in the database: what is committed holds at once in this process, and soon in the others."""

from collections.abc import Callable

from sqlalchemy import delete, func, insert, select, update

from clustergenie import auth
from clustergenie.platform.db import Database, Tx
from clustergenie.ratelimit.rules import NewRule, Rule, Scope, as_columns, made
from clustergenie.ratelimit.store import MOST_RULES, TooManyRules
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

    async def archive(self, rule: Rule) -> None:
        """Keep a rule that holds by another store, version and all. Raises TooManyRules."""
        await self._db.write(_keep, rule)

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
        _keep(tx, rule)
        tx.after_commit(self._changed)
        return rule

    def _remove(self, tx: Tx, name: str, scope: Scope) -> bool:
        here = (limiter_rules.c.name == name) & (limiter_rules.c.scope == scope)
        was = tx.execute(select(limiter_rules).where(here)).one_or_none()
        gone = tx.execute(delete(limiter_rules).where(here)).rowcount > 0
        if was is not None:
            auth.audit(tx, "limit.delete", f"{name}:{scope}", before=as_columns(Rule(**was._mapping, source="stored")))
        tx.after_commit(self._changed)
        return gone


def _nothing() -> None:
    """Nobody follows."""


def _load(tx: Tx) -> list[Rule]:
    return [Rule(**row._mapping, source="stored") for row in tx.execute(select(limiter_rules))]


def _keep(tx: Tx, rule: Rule) -> None:
    here = (limiter_rules.c.name == rule.name) & (limiter_rules.c.scope == rule.scope)
    was = tx.execute(select(limiter_rules).where(here)).one_or_none()
    before = {} if was is None else as_columns(Rule(**was._mapping, source="stored"))
    auth.audit(tx, "limit.set", f"{rule.name}:{rule.scope}", before=before, after=as_columns(rule))
    if tx.execute(update(limiter_rules).where(here).values(as_columns(rule))).rowcount:
        return
    if tx.execute(select(func.count()).select_from(limiter_rules)).scalar_one() >= MOST_RULES:
        raise TooManyRules(f"There are {MOST_RULES} limits already; delete one first.")
    tx.execute(insert(limiter_rules).values(as_columns(rule)))


def _next_version(tx: Tx) -> int:
    if not tx.execute(update(limiter_version).values(version=limiter_version.c.version + 1)).rowcount:
        tx.execute(insert(limiter_version).values(version=1))
    return int(tx.execute(select(limiter_version.c.version)).scalar_one())
