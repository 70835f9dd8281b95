"""The audit trail over HTTP."""

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar.params import Parameter, QueryParameter

from clustergenie.auth import audit_log
from clustergenie.auth.audit_log import AuditFilter, AuditRecord
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.errors import invalid

Id = Annotated[int | None, Parameter(ge=0, le=2**53 - 1, description="Only acts with a higher id: what came since.")]


class AuditList(msgspec.Struct):
    """A page of the audit trail."""

    entries: list[AuditRecord]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.get("/audit", allow=web.ADMIN, tags=["auth"])
async def list_audit(
    db: Database,
    paging: web.Paging,
    actor: Annotated[str | None, Parameter(max_length=255, description="Who: key:…, oidc:…, loopback.")] = None,
    action: Annotated[str | None, Parameter(max_length=64, description="`job.cancel`, or `job` for all.")] = None,
    target: Annotated[str | None, Parameter(max_length=255, description="The id of what it was done to.")] = None,
    since: Annotated[dt.datetime | None, QueryParameter(name="from", description="With a time zone.")] = None,
    until: Annotated[dt.datetime | None, QueryParameter(name="to", description="Not included.")] = None,
    q: Annotated[str | None, Parameter(max_length=255, description="Part of any of its texts.")] = None,
    after: Id = None,
) -> AuditList:
    """Who did what, when and from where, newest first unless asked otherwise. Nobody can change or delete it."""
    wanted = AuditFilter(actor, action, target, _aware(since, "?from"), _aware(until, "?to"), q, after)
    found = await db.read(audit_log.page, wanted, paging)
    return AuditList(found.items, found.page, found.page_size, found.total, found.next_cursor)


def _aware(moment: dt.datetime | None, name: str) -> dt.datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise invalid(name, "needs a time zone, as in 2026-01-31T09:30:00Z")
    return moment


routes: list[Any] = [list_audit]
