"""Browsers that are logged in, over HTTP."""

from typing import Any

import msgspec
from litestar import Request
from litestar.params import FromPath

from clustergenie.auth import sessions
from clustergenie.auth.gate import found_of
from clustergenie.auth.models import Session, SessionNotFound
from clustergenie.auth.reception import Reception
from clustergenie.platform import http as web
from clustergenie.platform.db import Database


class SessionReply(msgspec.Struct):
    """A session, and what became of it."""

    session: Session
    message: str


class SessionList(msgspec.Struct):
    """A page of sessions."""

    sessions: list[Session]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.get("/auth/sessions", allow=web.VIEWER, scoped=True, tags=["auth"])
async def list_sessions(db: Database, paging: web.Paging, request: Request[Any, Any, Any]) -> SessionList:
    """List the browsers that are logged in: one's own, or all for who is admin of everything."""
    session = found_of(request).session
    found = await db.read(sessions.page, paging, session.id if session else None)
    return SessionList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.delete(
    "/auth/sessions/{session_id:str}",
    allow=web.VIEWER,
    scoped=True,
    raises=[SessionNotFound],
    status_code=200,
    tags=["auth"],
)
async def revoke_session(db: Database, reception: Reception, session_id: FromPath[str]) -> SessionReply:
    """Log a browser out: one's own, or any for who is admin of everything."""
    return SessionReply(await db.write(sessions.revoke, reception.keyring, session_id), "ended")


routes = [list_sessions, revoke_session]
