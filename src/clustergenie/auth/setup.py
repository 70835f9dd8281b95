"""Let the first one in: a link with a token that works once, for a while, and of which only a hash is kept."""

import datetime as dt
from pathlib import Path

from sqlalchemy import Connection, delete, insert, update

from clustergenie.auth import credentials, keys, sessions
from clustergenie.auth.audit import audit
from clustergenie.auth.keyring import Keyring, subject_of
from clustergenie.auth.models import GrantSpec, Key, KeySpec, SetupRefused
from clustergenie.auth.sessions import Visitor
from clustergenie.auth.tables import setup
from clustergenie.platform import clock, migrate, serving
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.servers import Server
from clustergenie.platform.sqlite import engine_for

LIFE = dt.timedelta(hours=1)


def issue(connection: Connection, now: dt.datetime) -> str:
    """A new token; those before it stay what they are. Takes a connection, so that it needs no running server."""
    token = credentials.new_setup()
    connection.execute(delete(setup).where(setup.c.expires_at < now))
    values = {"token_hash": credentials.digest(token), "created_at": now, "expires_at": now + LIFE}
    connection.execute(insert(setup).values(values))
    return token


def link(url: str, token: str) -> str:
    """The address to open. The token stands behind the #, so that no server or proxy ever sees it in an address."""
    return f"{url}/setup#token={token}"


def new_link(settings: Settings, url: str | None = None) -> str:
    """Issue a token without the server: who can reach its database may. Raises CannotStart."""
    there = migrate.status(settings)
    if not there["up_to_date"]:
        raise CannotStart(
            f"The database of {settings.data_dir} is at revision {there['current'] or 'none'}, not {there['head']}; "
            "start the server once, or run `clustergenie migrate up`."
        )
    if settings.has_server():
        with Server(settings.database_url).engine.begin() as connection:
            token = issue(connection, clock.now())
    else:
        token = _issue_in_file(settings.database_path())
    known = serving.known_url(settings.data_dir) or settings.server_url()
    return link(url.rstrip("/") if url else settings.public_url or known + settings.base_path, token)


def _issue_in_file(path: Path) -> str:
    engine = engine_for(path)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=5000")  # the server may be writing
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            token = issue(connection, clock.now())
            connection.exec_driver_sql("COMMIT")
            return token
    finally:
        engine.dispose()


def redeem(
    tx: Tx, keyring: Keyring, token: str, name: str, visitor: Visitor, lasts: dt.timedelta, before: str | None
) -> tuple[Key, str, str]:
    """The first admin's key, its secret, and the cookie of a session. Raises SetupRefused."""
    taken = (
        update(setup)
        .where(setup.c.token_hash == credentials.digest(token), setup.c.used_at.is_(None), setup.c.expires_at > tx.now)
        .values(used_at=tx.now)
    )
    # The update decides, so that of two who come at once only one gets in.
    if not credentials.is_setup(token) or tx.execute(taken).rowcount != 1:
        raise SetupRefused(
            "This setup link is not known, was used before, or is older than an hour; "
            "`clustergenie auth setup-link`, run where the server runs, makes a new one."
        )
    key, secret = keys.create(tx, keyring, KeySpec(name, [GrantSpec("admin")]))
    audit(tx, "setup", key.id, after={"name": name})
    guest = visitor._replace(subject=subject_of(key.id), name=key.name, key_id=key.id)
    return key, secret, sessions.begin(tx, keyring, guest, lasts, before)
