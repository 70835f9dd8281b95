"""Walking a list by its cursors shows every row once, in order, whatever the ties and the gaps."""

import asyncio
import base64
import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Invalid
from clustergenie.platform.http import Paging, fetch_page
from clustergenie.platform.types import UtcDateTime
from tests.platform.databases import opened

MOMENT = dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)
schema = MetaData()
things = Table(
    "things",
    schema,
    Column("id", String, primary_key=True),
    Column("size", Integer),
    Column("name", String),
    Column("seen_at", UtcDateTime),
)
SORTABLE = {"seen_at": things.c.seen_at, "name": things.c.name, "size": things.c.size, "id": things.c.id}

rows = st.lists(
    st.fixed_dictionaries(
        {
            "size": st.none() | st.integers(0, 2),
            "name": st.none() | st.sampled_from(["", "a", "b", "ü"]),
            "seen_at": st.none() | st.integers(0, 2).map(lambda n: MOMENT + dt.timedelta(microseconds=n)),
        }
    ),
    max_size=12,
)


def pages(tx: Tx, paging: Paging) -> list[dict[str, Any]]:
    """Every row that the cursors lead to."""
    seen: list[dict[str, Any]] = []
    while True:
        found, total, cursor = fetch_page(tx, select(things), paging, SORTABLE, things.c.id)
        seen += [dict(row._mapping) for row in found]
        if cursor is None:
            assert total == len(seen)
            return seen
        assert len(found) == paging.page_size
        paging = Paging(1, paging.page_size, cursor, paging.sort_by, paging.sort_dir)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rows, st.sampled_from(sorted(SORTABLE)), st.sampled_from(["asc", "desc"]), st.integers(1, 5))
def test_cursors_lead_past_every_row_once_and_in_order(
    found: list[dict[str, Any]], name: str, direction: Any, size: int
) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.create_all(connection)
        named = [{"id": f"thing-{number:02}", **row} for number, row in enumerate(found)]
        if named:
            connection.execute(insert(things), named)
        seen = pages(Tx(connection, MOMENT), Paging(1, size, None, name, direction))
    engine.dispose()
    # NULL sorts lowest; the id breaks ties, in the same direction.
    expected = sorted(named, key=lambda row: (row[name] is not None, row[name] or _zero(name), row["id"]))
    assert seen == (expected if direction == "asc" else expected[::-1])


def _zero(name: str) -> Any:
    return {"size": 0, "seen_at": MOMENT}.get(name, "")


def page(paging: Paging) -> list[str]:
    """The ids of one page of five rows."""
    five = [{"id": f"thing-{n}", "size": n, "name": "x", "seen_at": MOMENT} for n in range(5)]

    async def story() -> list[str]:
        with tempfile.TemporaryDirectory() as directory:
            async with opened(Path(directory) / "a.db", tables=schema) as db:
                await db.write(lambda tx: tx.execute(insert(things), five) and None)
                found, _, _ = await db.read(fetch_page, select(things), paging, SORTABLE, things.c.id)
                return [row.id for row in found]

    return asyncio.run(story())


def test_pages_by_number_and_a_page_beyond_the_end_is_empty() -> None:
    assert page(Paging(2, 2, None, "size", "asc")) == ["thing-2", "thing-3"]
    assert page(Paging(9, 2, None, "size", "asc")) == []


def test_an_unknown_field_to_sort_by_is_refused_with_the_choices() -> None:
    with pytest.raises(Invalid, match="try one of seen_at, name, size, id"):
        page(Paging(sort_by="colour"))


def forged(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ü",
        "!!!!",
        forged(),
        forged("name", "desc", "x", "thing-1"),  # of another order
        forged("seen_at", "asc", None, "thing-1"),
        forged("seen_at", "desc", 5, "thing-1"),
        forged("seen_at", "desc", "soon", "thing-1"),
        forged("seen_at", "desc", "2026-01-31T09:30:00", "thing-1"),  # no zone
        forged("seen_at", "desc", None, 2**70),
        forged("seen_at", "desc", None, None),
        forged("seen_at", "desc", {"a": 1}, "thing-1"),
        forged("seen_at", "desc", True, "thing-1"),
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="is not a cursor of this list"):
        page(Paging(cursor=cursor))


def test_a_number_beyond_the_database_is_no_cursor() -> None:
    with pytest.raises(Invalid, match="is not a cursor of this list"):
        page(Paging(cursor=forged("size", "desc", 2**70, "thing-1"), sort_by="size"))
