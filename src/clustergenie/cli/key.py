"""`clustergenie key …`: API keys."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from clustergenie.cli import confirm, output, resolve
from clustergenie.cli.failures import Usage
from clustergenie.cli.login import said
from clustergenie.cli.options import DEFAULTS, Limit, Options, Sort, order
from clustergenie.cli.tables import Column, Shape, age, column
from clustergenie.client import Client, NotFound

KEY = Shape(
    "key",
    (
        column("id"),
        column("name"),
        column("status"),
        Column("may", lambda item: said(item["grants"])),
        age("last_used", "last_used_at"),
        column("expires_at"),
        column("prefix", wide=True),
        column("created_by", wide=True),
        column("created_at", wide=True),
        column("rotated_at", wide=True),
        column("revoked_at", wide=True),
    ),
)
Role = Literal["viewer", "operator", "admin"]
Clusters = Annotated[Sequence[str], Parameter(negative="", help="Only this cluster (name or id); repeat it.")]
Which = Annotated[str, Parameter(help="Id of a key, or its name if only one has it.")]


def list_keys(
    *,
    status: Literal["active", "expired", "revoked"] | None = None,
    sort: Sort = None,
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List API keys, without their secrets.

    Args:
        status: Only such; revoked ones are shown only when asked for.
    """
    with options.client() as client:
        options.rows(KEY, client.keys.list(limit=limit, status=status, **order(sort)))


def create_key(
    name: str,
    /,
    *,
    role: Role,
    cluster: Clusters = (),
    expires: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Make an API key and print its secret, this once: `key create ci --role operator --cluster web --expires 90d`.

    Args:
        name: What to call it.
        role: viewer looks, operator changes, admin decides who may do what.
        expires: After how long it ends, as 12h or 90d, or at which moment (default: never).
    """
    with options.client() as client:
        clusters = [resolve.cluster(client, one)["id"] for one in cluster] or None
        until = moment(expires) if expires else None
        made = client.keys.create(name=name, grants=[{"role": role, "clusters": clusters}], expires_at=until)
    _show(made, options)


def rotate_key(key: Which, /, *, yes: bool = False, options: Options = DEFAULTS) -> None:
    """Give a key another secret and print it, this once; the one before is worth nothing from then on.

    Args:
        yes: Do not ask.
    """
    with options.client() as client:
        found = _find(client, key)
        confirm.yes_or_no(f"Replace the secret of {found['name']} ({found['id']})?", yes=yes)
        made = client.keys.rotate(found["id"])
    _show(made, options)


def revoke_key(key: Which, /, *, yes: bool = False, options: Options = DEFAULTS) -> None:
    """End a key and the sessions that began with it, for good.

    Args:
        yes: Do not ask.
    """
    with options.client() as client:
        found = _find(client, key)
        confirm.by_name("the key", found["name"], "and logs out whoever came with it", yes=yes)
        options.one(KEY, client.keys.revoke(found["id"]), "key")


def moment(text: str) -> str:
    """`12h`, `90d`, or a moment as ISO 8601, as the API wants it."""
    units = {"m": 60, "h": 3600, "d": 86_400}
    if text[:-1].isdigit() and text[-1:] in units:
        return (datetime.now(UTC) + timedelta(seconds=int(text[:-1]) * units[text[-1]])).isoformat()  # noqa: TID251
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except ValueError as wrong:
        raise Usage(f"{text!r} is neither a time like 12h or 90d, nor a moment like 2027-01-31T12:00Z.") from wrong


def _find(client: Client, wanted: str) -> Any:
    try:
        return client.keys.get(wanted)["key"]
    except NotFound:
        hits = [key for key in client.keys.list() if key["name"] == wanted]
        if not hits:
            raise
        if len(hits) > 1:
            names = ", ".join(key["id"] for key in hits)
            raise Usage(f"{len(hits)} keys are named {wanted!r}; use an id: {names}.") from None
        return hits[0]


def _show(made: Any, options: Options) -> None:
    if options.raw:
        options.body(made)
        return
    key = made["key"]
    output.note(f"{key['id']} ({key['name']}) may be {said(key['grants'])}. Keep this, it is not shown again:")
    output.data(made["secret"])
