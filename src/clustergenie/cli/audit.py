"""`clustergenie audit …`: who did what, when, from where, and what was different afterwards."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import output
from clustergenie.cli.failures import INTERRUPTED
from clustergenie.cli.options import DEFAULTS, Limit, Options
from clustergenie.cli.tables import Column, Shape, column
from clustergenie.client import Client

LOOK_SECONDS = 1.0
MOST = 100
Actor = Annotated[str | None, Parameter(help="Only what this subject did: key:…, oidc:…, loopback.")]
Action = Annotated[str | None, Parameter(help="Only this: job.cancel, or job for all that is done to jobs.")]
Target = Annotated[str | None, Parameter(help="Only what was done to this id.")]
Query = Annotated[str | None, Parameter(name=["--query", "-q"], help="Only entries with this in any of their texts.")]


def _changes(entry: Mapping[str, Any]) -> str:
    """`wanted_size 3 → 5, region=nyc3`."""
    before, after = entry.get("before") or {}, entry.get("after") or {}
    both = [f"{name} {_short(before[name])} → {_short(after[name])}" for name in after if name in before]
    return ", ".join([*both, *(f"{name}={_short(value)}" for name, value in after.items() if name not in before)])


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


AUDIT = Shape(
    "audit entry",
    (
        column("at"),
        Column("who", lambda entry: str(entry.get("actor_name"))),
        column("address"),
        column("action"),
        column("target"),
        Column("changes", _changes),
        column("actor", wide=True),
        column("request_id", wide=True),
        column("id", wide=True, right=True),
    ),
    ident="id",
)


def list_audit(
    *,
    actor: Actor = None,
    action: Action = None,
    target: Target = None,
    since: str | None = None,
    until: str | None = None,
    query: Query = None,
    limit: Limit = 50,
    options: Options = DEFAULTS,
) -> None:
    """List the audit trail, newest first.

    Args:
        since: Not before this moment, as in 2026-01-31T09:30:00Z.
        until: Before this moment.
    """
    wanted = {"actor": actor, "action": action, "target": target, "from": since, "to": until, "q": query}
    with options.client() as client:
        options.rows(AUDIT, _pages(client, wanted, limit))


def follow_audit(
    *,
    actor: Actor = None,
    action: Action = None,
    target: Target = None,
    query: Query = None,
    count: int | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Print what is done as it is done, until Ctrl-C; with -o json, one JSON object a line.

    Args:
        count: Stop after this many.
    """
    wanted = {"actor": actor, "action": action, "target": target, "q": query}
    printed = 0
    with options.client() as client:
        try:
            for entry in _news(client, wanted):
                _print(entry, as_json=options.format == "json")
                printed += 1
                if printed == count:
                    break
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def _pages(client: Client, wanted: Mapping[str, Any], limit: int | None) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while limit is None or len(found) < limit:
        size = MOST if limit is None else min(MOST, limit - len(found))
        page = client.request("GET", "/audit", query={**wanted, "page_size": size, "cursor": cursor}).json()
        found += page["entries"]
        if (cursor := page["next_cursor"]) is None:
            break
    return found


def _news(client: Client, wanted: Mapping[str, Any]) -> Iterator[Any]:
    newest = client.request("GET", "/audit", query={"page_size": 1}).json()["entries"]
    last = newest[0]["id"] if newest else 0
    while True:
        query = {**wanted, "after": last, "sort_by": "id", "sort_dir": "asc", "page_size": MOST}
        entries = client.request("GET", "/audit", query=query).json()["entries"]
        yield from entries
        if entries:
            last = entries[-1]["id"]
        else:
            time.sleep(LOOK_SECONDS)


def _print(entry: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.data(json.dumps(entry, ensure_ascii=False))
    else:
        words = (entry["at"], entry["actor_name"], entry["address"], entry["action"], entry["target"], _changes(entry))
        output.data("  ".join(str(word) for word in words).rstrip())
    output.flush()
