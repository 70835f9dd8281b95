"""The few statements that each database says in its own words, behind one name each."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Table, bindparam, func, literal_column, text, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement

from clustergenie.platform.db import Tx

Changes = Callable[[Any], dict[str, Any]]


class Upsert:
    """Insert rows, or change the ones that are there: `changes(new)` says how, `new` being what was to be inserted.

    With `newest` (a column of times), a row that is there is left alone unless the new one is later.
    """

    def __init__(self, table: Table, changes: Changes, *, newest: str | None = None) -> None:
        self.table, self._changes, self._newest = table, changes, newest
        self._keys = [column.name for column in table.primary_key]
        self._statement = cache(self._made)

    def run(self, tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
        """One batch; in the order of the keys, so that two batches never wait for each other in a ring."""
        ordered = sorted(rows, key=lambda row: [str(row[name]) for name in self._keys])
        tx.execute(self._statement(tx.dialect), ordered)

    def _made(self, dialect: str) -> Any:
        if dialect == "mysql":
            return self._on_mysql()
        insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](self.table)
        new, newest = insert.excluded, self._newest
        later = new[newest] > self.table.c[newest] if newest is not None else None
        return insert.on_conflict_do_update(index_elements=self._keys, set_=self._changes(new), where=later)

    def _on_mysql(self) -> Any:
        insert = mysql.insert(self.table)
        new, columns, newest = insert.inserted, self.table.c, self._newest
        changes = {name: _spelled_out(value) for name, value in self._changes(new).items()}
        if newest is None:
            return insert.on_duplicate_key_update(changes)
        # MySQL assigns from left to right and sees what it has assigned: the column that decides comes last.
        names = [name for name in changes if name != newest] + [newest]
        later = new[newest] > columns[newest]
        return insert.on_duplicate_key_update(
            [(name, getattr(func, "if")(later, changes[name], columns[name])) for name in names]
        )


class UpdateEach:
    """Change rows that this transaction has locked, each in its own way, in one batch.

    `keys` and `changes` are column → name of the value; `words` are column → SQL that is the same for all.
    """

    def __init__(self, table: Table, keys: dict[str, str], changes: dict[str, str], words: dict[str, str]) -> None:
        self.table, self._values = table, [*keys.items(), *changes.items()]
        where = (table.c[column] == bindparam(name) for column, name in keys.items())
        changed: dict[str, Any] = {column: bindparam(name) for column, name in changes.items()}
        self._statement = (
            update(table).where(*where).values(**changed, **{name: text(sql) for name, sql in words.items()})
        )
        quoted = table.name
        found = " AND ".join(f"{quoted}.{column} = v.{name}" for column, name in keys.items())
        sets = [f"{quoted}.{column} = v.{name}" for column, name in changes.items()]
        sets += [f"{quoted}.{name} = {sql}" for name, sql in words.items()]
        self._tail = f") AS v STRAIGHT_JOIN {quoted} FORCE INDEX (PRIMARY) ON {found} SET {', '.join(sets)}"

    def run(self, tx: Tx, rows: Sequence[dict[str, Any]]) -> int:
        """How many rows there were."""
        if tx.dialect != "mysql" or len(rows) == 1:
            return tx.execute(self._statement, list(rows)).rowcount
        # The driver would send them one by one.
        first = ", ".join(f"%s AS {name}" for _, name in self._values)
        more = " UNION ALL SELECT " + ", ".join(["%s"] * len(self._values))
        sql = f"UPDATE (SELECT {first}{more * (len(rows) - 1)}{self._tail}"
        return tx.connection.exec_driver_sql(sql, self._bound(tx, rows)).rowcount

    def _bound(self, tx: Tx, rows: Sequence[dict[str, Any]]) -> tuple[Any, ...]:
        dialect = tx.connection.dialect
        bound = [
            (name, self.table.c[column].type.dialect_impl(dialect).bind_processor(dialect))
            for column, name in self._values
        ]
        return tuple(row[name] if bind is None else bind(row[name]) for row in rows for name, bind in bound)


def _spelled_out(value: Any) -> Any:
    """The expression with its constants in its words: the driver sends many rows at once only without values there."""

    def in_words(element: Any, **_: Any) -> ColumnElement[Any] | None:
        if not isinstance(element, BindParameter):
            return None
        words = element.compile(dialect=mysql.dialect(paramstyle="named"), compile_kwargs={"literal_binds": True})
        return literal_column(str(words), element.type)

    return visitors.replacement_traverse(value, {}, in_words)


def everything(table: Table) -> Changes:
    """Let the new row replace the old one."""
    keys = {column.name for column in table.primary_key}
    names = [column.name for column in table.columns if column.name not in keys]
    return lambda new: {name: new[name] for name in names}


class Since1970(FunctionElement[int]):
    """The whole microseconds since 1970 of a moment."""

    type = BigInteger()
    inherit_cache = True


@compiles(Since1970, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **words: Any) -> str:
    moment: str = compiler.process(element.clauses, **words)  # a moment is that number there: see `types`
    return moment


@compiles(Since1970, "mysql", "mariadb")
def _on_mysql(element: Any, compiler: Any, **words: Any) -> str:
    return f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {compiler.process(element.clauses, **words)})"


@compiles(Since1970, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **words: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **words)}) * 1000000 AS BIGINT)"


def micros_of(moment: ColumnElement[Any]) -> ColumnElement[int]:
    """The whole microseconds since 1970 of a column of times."""
    return Since1970(moment)
