"""Page through a table on the server: by number for people, by cursor for programs."""

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from litestar.params import Parameter
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from clustergenie.platform.clock import rfc3339
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import invalid
from clustergenie.platform.types import UtcDateTime

T = TypeVar("T")
_Condition = ColumnElement[bool]

MAX_PAGE_SIZE = 100


class Paging(msgspec.Struct, frozen=True):
    """Which page of a list is wanted."""

    page: int = 1
    page_size: int = 20
    cursor: str | None = None
    sort_by: str | None = None
    sort_dir: Literal["asc", "desc"] = "desc"


class Page(msgspec.Struct, Generic[T]):
    """One page: `total` counts all rows that match; `next_cursor` is null on the last page."""

    items: list[T]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


class Counts(msgspec.Struct):
    """How many there are of each status, and of all of these together."""

    counts: dict[str, int]
    total: int


async def paging_dependency(
    page: Annotated[int, Parameter(ge=1, le=1_000_000, description="Which page, from 1.")] = 1,
    page_size: Annotated[int, Parameter(ge=1, le=MAX_PAGE_SIZE, description="Rows a page.")] = 20,
    cursor: Annotated[str | None, Parameter(max_length=512, description="`next_cursor` of the page before.")] = None,
    sort_by: Annotated[str | None, Parameter(max_length=64, description="The field to sort by.")] = None,
    sort_dir: Annotated[Literal["asc", "desc"], Parameter(description="Ascending or descending.")] = "desc",
) -> Paging:
    """Litestar dependency `paging`."""
    return Paging(page, page_size, cursor, sort_by, sort_dir)


def fetch_page(
    tx: Tx,
    query: Select[Any],
    paging: Paging,
    sortable: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any],
    total: int | None = None,
) -> tuple[list[Row[Any]], int, str | None]:
    """Rows, total and next cursor of one page.

    The first of `sortable` is the default order; `key` (unique) breaks ties, so that no row is skipped or shown
    twice. `total` is for who has counted already. Raises Invalid for an unknown `sort_by` or a cursor that is not ours.
    """
    name = paging.sort_by or next(iter(sortable))
    if name not in sortable:
        raise invalid("?sort_by", f"cannot sort by {name!r}; try one of {', '.join(sortable)}")
    column, down = sortable[name], paging.sort_dir == "desc"
    if total is None:
        total = tx.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    ordered = query.order_by(*_order(column, key, tx.dialect, down=down))
    if paging.cursor is not None:
        ordered = ordered.where(
            _after(_read_cursor(paging.cursor, name, paging.sort_dir, column, key), column, key, down=down)
        )
    else:
        ordered = ordered.offset((paging.page - 1) * paging.page_size)
    rows = list(tx.execute(ordered.limit(paging.page_size + 1)).fetchall())
    more = len(rows) > paging.page_size
    rows = rows[: paging.page_size]
    following = _cursor(name, paging.sort_dir, rows[-1], column, key) if more else None
    return rows, total, following


def _order(column: ColumnElement[Any], key: ColumnElement[Any], dialect: str, *, down: bool) -> list[Any]:
    """NULLs sort lowest on SQLite and MySQL; PostgreSQL has to be told, and would not use an index where it is."""
    first, second = (column.desc(), key.desc()) if down else (column.asc(), key.asc())
    if dialect == "postgresql" and getattr(column, "nullable", True) and column is not key:
        first = first.nulls_last() if down else first.nulls_first()
    return [first, second]


def _after(last: tuple[Any, Any], column: ColumnElement[Any], key: ColumnElement[Any], *, down: bool) -> _Condition:
    value, ident = last
    further: _Condition = key < ident if down else key > ident
    if column is key:
        return further
    if value is None:
        return and_(column.is_(None), further) if down else or_(column.is_not(None), further)
    # The outer bound alone is what an index can seek to; without it a deep page would read all those before it.
    if not down:
        return and_(column >= value, or_(column > value, further))
    beyond = and_(column <= value, or_(column < value, further))
    # NULLs sort lowest on SQLite and MySQL: last when descending.
    return or_(beyond, column.is_(None)) if getattr(column, "nullable", True) else beyond


def _cursor(name: str, direction: str, row: Row[Any], column: ColumnElement[Any], key: ColumnElement[Any]) -> str:
    value = row._mapping[column]
    if isinstance(value, dt.datetime):
        value = rfc3339(value)
    payload = msgspec.json.encode([name, direction, value, row._mapping[key]])
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


def _read_cursor(
    cursor: str, name: str, direction: str, column: ColumnElement[Any], key: ColumnElement[Any]
) -> tuple[Any, Any]:
    try:
        content = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
        if len(content) != 4 or content[:2] != [name, direction]:
            raise ValueError(content)
        value = None if content[2] is None else _typed(content[2], column)
        return value, _typed(content[3], key)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise invalid("?cursor", "is not a cursor of this list in this order; leave it out to start again") from error


_KINDS: dict[type, Any] = {int: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], float: float, str: str}


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    """A cursor is data from outside: what the column cannot hold would be an error inside the database."""
    if isinstance(column.type, UtcDateTime):
        return msgspec.convert(value, Annotated[dt.datetime, msgspec.Meta(tz=True)])
    return msgspec.convert(value, _KINDS[column.type.python_type])
