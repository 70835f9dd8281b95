"""`clustergenie limit …`: who may ask how often, and how much of it is left."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from clustergenie.cli import confirm
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.tables import Column, Shape, age, column
from clustergenie.client import Client

CONFIG = "/observability/ratelimit/config"
Scope = Literal["global", "user", "cluster"]
Name = Annotated[str, Parameter(help="The limiter: jobs_create, diagnosis, or another.")]
OnError = Literal["local", "allow", "deny"]


def _ident(item: Mapping[str, Any]) -> str:
    return f"{item.get('name')}:{item.get('scope')}"


LIMIT = Shape(
    "limit",
    (
        column("name"),
        column("scope"),
        column("capacity", right=True),
        column("refill_rate", right=True),
        column("enabled"),
        column("shadow"),
        column("on_error"),
        column("source"),
        age("changed", "updated_at"),
        Column("limit", _ident, wide=True),
        column("version", wide=True, right=True),
    ),
    ident="name",
)
BUCKET = Shape(
    "bucket",
    (
        column("name"),
        column("scope_type"),
        column("scope_id"),
        column("available", right=True),
        column("capacity", right=True),
        column("refill_rate", right=True),
        column("retry_after", right=True),
        column("reset", right=True),
        column("source"),
        column("degraded", wide=True),
        column("version", wide=True, right=True),
    ),
    ident="name",
)


def list_limits(*, options: Options = DEFAULTS) -> None:
    """List every limit, stored or by default."""
    with options.client() as client:
        options.rows(LIMIT, _json(client, "GET", f"{CONFIG}/list")["configs"])


def get_limit(name: Name, /, *, scope: Scope = "global", options: Options = DEFAULTS) -> None:
    """Show one limit.

    Args:
        scope: For all together, for each user, or for each cluster.
    """
    with options.client() as client:
        options.detail(LIMIT, _json(client, "GET", CONFIG, {"name": name, "scope": scope}), "config")


def set_limit(
    name: Name,
    /,
    *,
    rate: float,
    capacity: int,
    scope: Scope = "global",
    on_error: OnError = "local",
    shadow: bool = False,
    enabled: bool = True,
    options: Options = DEFAULTS,
) -> None:
    """Make or replace a limit: `limit set jobs_create --scope user --rate 10 --capacity 20`.

    Args:
        rate: Tokens that come back in a second.
        capacity: Tokens in a full bucket: the largest burst.
        scope: For all together, for each user, or for each cluster.
        on_error: While Redis is away: count in each process, let everything pass, or nothing.
        shadow: Count what would be refused, and refuse nothing.
        enabled: Whether it holds.
    """
    body = {"name": name, "scope": scope, "refill_rate": rate, "capacity": capacity}
    body |= {"on_error": on_error, "shadow": shadow, "enabled": enabled}
    with options.client() as client:
        options.one(LIMIT, client.request("POST", CONFIG, body=body).json(), "config")


def delete_limit(name: Name, /, *, scope: Scope = "global", yes: bool = False, options: Options = DEFAULTS) -> None:
    """Delete a stored limit; a default of the settings holds again.

    Args:
        scope: For all together, for each user, or for each cluster.
        yes: Do not ask.
    """
    with options.client() as client:
        confirm.yes_or_no(f"Delete the limit {name} for the scope {scope}?", yes=yes)
        options.body(_json(client, "DELETE", CONFIG, {"name": name, "scope": scope}))


def peek_limit(
    name: Name, who: str | None = None, /, *, scope: Scope | None = None, options: Options = DEFAULTS
) -> None:
    """Show how much is left for someone; looking charges nothing: `limit peek jobs_create ada --scope user`.

    Args:
        who: The user or the cluster; none for the scope global.
        scope: Which limit of that name (default: its first).
    """
    query = {"name": name, "scope_type": scope, "scope_id": who}
    with options.client() as client:
        found = _json(client, "GET", "/observability/ratelimit", query)
    if options.raw:
        options.body(found)
    else:
        options.detail(BUCKET, {"bucket": found}, "bucket")


def _json(client: Client, method: str, path: str, query: Mapping[str, str | None] | None = None) -> Any:
    return client.request(method, path, query=query).json()
