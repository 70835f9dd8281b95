"""API keys over HTTP."""

from typing import Annotated

import msgspec
from litestar.params import FromPath, Parameter
from msgspec import Meta

from clustergenie.auth import keys
from clustergenie.auth.models import Key, KeyChange, KeyNotFound, KeyRevoked, KeySpec, LastAdminKey, TooManyKeys
from clustergenie.auth.reception import Reception
from clustergenie.platform import http as web
from clustergenie.platform.db import Database


class KeyReply(msgspec.Struct):
    """A key without its secret, and what became of the request."""

    key: Key
    message: str


class NewKey(msgspec.Struct):
    """A key and its secret, which is shown this once."""

    key: Key
    secret: Annotated[str, Meta(description="`cg_…`: send it as `Authorization: Bearer …`.")]
    message: str


class KeyList(msgspec.Struct):
    """A page of keys."""

    keys: list[Key]
    page: int
    page_size: int
    total: int
    next_cursor: str | None


@web.post("/auth/keys", allow=web.ADMIN, raises=[TooManyKeys], tags=["auth"])
async def create_key(db: Database, reception: Reception, data: KeySpec) -> NewKey:
    """Make an API key; its secret is in this answer and nowhere else."""
    key, secret = await db.write(keys.create, reception.keyring, data)
    return NewKey(key, secret, "created")


@web.get("/auth/keys", allow=web.ADMIN, tags=["auth"])
async def list_keys(
    db: Database,
    paging: web.Paging,
    status: Annotated[str | None, Parameter(max_length=16, description=", ".join(keys.STATUSES))] = None,
) -> KeyList:
    """List keys, newest first unless asked otherwise; revoked ones only with `status=revoked`."""
    found = await db.read(keys.page, paging, status)
    return KeyList(found.items, found.page, found.page_size, found.total, found.next_cursor)


@web.get("/auth/keys/{key_id:str}", allow=web.ADMIN, raises=[KeyNotFound], tags=["auth"])
async def get_key(db: Database, key_id: FromPath[str]) -> KeyReply:
    """One key, without its secret."""
    return KeyReply(await db.read(keys.get, key_id), "ok")


@web.put("/auth/keys/{key_id:str}", allow=web.ADMIN, raises=[KeyNotFound, KeyRevoked, LastAdminKey], tags=["auth"])
async def change_key(db: Database, reception: Reception, key_id: FromPath[str], data: KeyChange) -> KeyReply:
    """Change a key's name, grants or end; what is left out stays. Its sessions change with it."""
    return KeyReply(await db.write(keys.change, reception.keyring, key_id, data), "updated")


@web.post(
    "/auth/keys/{key_id:str}/rotate", allow=web.ADMIN, raises=[KeyNotFound, KeyRevoked], status_code=200, tags=["auth"]
)
async def rotate_key(db: Database, reception: Reception, key_id: FromPath[str]) -> NewKey:
    """Give a key another secret; the one before and the key's sessions are worth nothing from now on."""
    key, secret = await db.write(keys.rotate, reception.keyring, key_id)
    return NewKey(key, secret, "rotated")


@web.delete(
    "/auth/keys/{key_id:str}",
    allow=web.ADMIN,
    raises=[KeyNotFound, KeyRevoked, LastAdminKey],
    status_code=200,
    tags=["auth"],
)
async def revoke_key(db: Database, reception: Reception, key_id: FromPath[str]) -> KeyReply:
    """Revoke a key and end its sessions, for good."""
    return KeyReply(await db.write(keys.revoke, reception.keyring, key_id), "revoked")


routes = [create_key, list_keys, get_key, change_key, rotate_key, revoke_key]
