"""Read the audit trail, and forget what is older than it must be kept."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, delete, insert, or_, select, update

from clustergenie.auth.audit_tables import audit_floor, audit_log
from clustergenie.platform.db import Tx
from clustergenie.platform.http import Page, Paging, fetch_page

SORTABLE: dict[str, ColumnElement[Any]] = {name: audit_log.c[name] for name in ("id", "at")}
_SEARCHED = (
    *("target", "action", "actor", "actor_name", "address", "request_id", "trace_id"),
    *("value_before", "value_after"),
)


class AuditRecord(msgspec.Struct, kw_only=True):
    """One act: `before` and `after` hold what changed, without secrets."""

    id: int
    at: dt.datetime
    actor: str
    actor_name: str
    actor_kind: str
    address: str
    action: str
    target: str
    cluster_id: str | None
    before: Any
    after: Any
    request_id: str
    trace_id: str


class AuditFilter(msgspec.Struct, frozen=True):
    """Which acts; None means any."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    q: str | None = None
    after_id: int | None = None


def page(tx: Tx, wanted: AuditFilter, paging: Paging) -> Page[AuditRecord]:
    """One page of the trail, newest first unless asked otherwise."""
    rows, total, following = fetch_page(tx, _filtered(wanted), paging, SORTABLE, audit_log.c.id)
    return Page([_shown(row) for row in rows], paging.page, paging.page_size, total, following)


def _filtered(wanted: AuditFilter) -> Select[Any]:
    query = select(audit_log)
    for name in ("actor", "target"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(audit_log.c[name] == value)
    if wanted.action is not None:  # `cluster` stands for all that is done to clusters
        below = audit_log.c.action.startswith(f"{wanted.action}.", autoescape=True)
        query = query.where(or_(audit_log.c.action == wanted.action, below))
    if wanted.since is not None:
        query = query.where(audit_log.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit_log.c.at < wanted.until)
    if wanted.after_id is not None:
        query = query.where(audit_log.c.id > wanted.after_id)
    if wanted.q:
        query = query.where(or_(*(audit_log.c[name].icontains(wanted.q, autoescape=True) for name in _SEARCHED)))
    return query


def _shown(row: Any) -> AuditRecord:
    values = dict(row._mapping)
    for name in ("before", "after"):
        text = values.pop(f"value_{name}")
        values[name] = None if text is None else msgspec.json.decode(text)
    return AuditRecord(**values)


def prune(tx: Tx, before: dt.datetime, limit: int = 1_000) -> int:
    """Forget up to `limit` acts from before that moment, the oldest first; how many. Call again until it is 0."""
    old = select(audit_log.c.id).where(audit_log.c.at < before).order_by(audit_log.c.at).limit(limit)
    found = list(tx.execute(old).scalars())
    if found:
        if not tx.execute(update(audit_floor).values(keep_from=before)).rowcount:
            tx.execute(insert(audit_floor).values(id=1, keep_from=before))
        tx.execute(delete(audit_log).where(audit_log.c.id.in_(found)))
    return len(found)
