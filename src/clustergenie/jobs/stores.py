"""Choose the store for a database."""

from clustergenie.jobs.server_store import MYSQL_STORE, POSTGRESQL_STORE
from clustergenie.jobs.sqlite_store import SqliteStore
from clustergenie.jobs.store import Store

_STORES: dict[str, Store] = {"sqlite": SqliteStore(), "mysql": MYSQL_STORE, "postgresql": POSTGRESQL_STORE}


def store_for(dialect: str) -> Store:
    """How jobs are taken on this kind of database."""
    return _STORES[dialect]
