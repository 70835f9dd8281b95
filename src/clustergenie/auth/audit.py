"""Write down who changed what, from where and in which request, in the transaction that makes it true."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert

from clustergenie.auth.audit_tables import audit_log
from clustergenie.auth.principal import Actor, Principal, acting
from clustergenie.platform.clock import micros
from clustergenie.platform.db import Tx
from clustergenie.platform.telemetry import redact

LONGEST = 16_384
"""Bytes of JSON that are kept of what was there before or after; of more, only that there was more."""
_UNSAID = frozenset({"updated_at", "version", "revision", "last_used_at"})
"""What changes with every change says nothing about it."""
_COLUMNS = tuple(column.name for column in audit_log.columns if column.name != "id")
_INSERT = f"INSERT INTO audit_log ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - names of our own columns
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Entry(msgspec.Struct, frozen=True):
    """One act: by whom, what it was, and what it was done to."""

    actor: Actor
    action: str
    target: str
    cluster_id: str | None = None
    before: Any = None
    after: Any = None


def audit(
    tx: Tx,
    action: str,
    target: str,
    *,
    cluster_id: str | None = None,
    before: Any = None,
    after: Any = None,
    by: Principal | None = None,
) -> None:
    """Note that who acts now (or `by`, whom this act lets in) did this. Call it where the change is made.

    `before` and `after` are structs or mappings; of a change only what differs is kept. What the control plane does
    by itself is not an act of anybody: its events tell of it.
    """
    actor = acting()
    if actor is None:
        return
    if by is not None:
        actor = msgspec.structs.replace(actor, principal=by)
    if before is not None and after is not None:
        before, after = differing(msgspec.to_builtins(before, enc_hook=str), msgspec.to_builtins(after, enc_hook=str))
    audit_many(tx, [Entry(actor, action, target, cluster_id, before, after)])


def audit_many(tx: Tx, entries: Sequence[Entry]) -> None:
    """Note many acts in one statement.

    It speaks to SQLite's driver directly: this runs with every job there is, and SQLAlchemy would double its price.
    """
    if tx.connection.dialect.name == "sqlite":
        raw: Any = tx.connection.connection.driver_connection
        raw.executemany(_INSERT, [_row(entry, micros(tx.now)) for entry in entries])
    else:
        tx.execute(insert(audit_log), [dict(zip(_COLUMNS, _row(entry, tx.now), strict=True)) for entry in entries])


def _row(entry: Entry, at: Any) -> tuple[Any, ...]:
    actor = entry.actor
    return (
        at,
        actor.principal.subject[:255],
        actor.principal.name[:255],
        actor.principal.kind,
        actor.address[:64],
        entry.action,
        entry.target[:255],
        entry.cluster_id,
        _kept(entry.before),
        _kept(entry.after),
        actor.request_id[:64],
        actor.trace_id[:64],
    )


def _kept(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        value = msgspec.to_builtins(value, enc_hook=str)
    content = _encode(redact(value))
    return (content if len(content) <= LONGEST else _encode({"too_long_to_keep": len(content)})).decode()


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of each is not the same in the other."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name) and name not in _UNSAID]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )
