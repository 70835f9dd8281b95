"""`clustergenie login`, `logout`, `whoami`: which key goes to which server."""

import getpass
import sys
from typing import Any

from clustergenie.cli import output, preferences
from clustergenie.cli.failures import NOT_ALLOWED, Failed, Usage
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.tables import Column, Shape, column
from clustergenie.client import Client


class NotLoggedIn(Failed):
    """The server does not know who is asking."""

    code = NOT_ALLOWED


def said(grants: list[dict[str, Any]]) -> str:
    """Grants in one line: `operator on web, api; viewer on all clusters`."""
    parts = [f"{grant['role']} on {', '.join(grant['clusters'] or ['all clusters'])}" for grant in grants]
    return "; ".join(parts) or "nothing"


PRINCIPAL = Shape(
    "principal",
    (
        column("subject"),
        column("name"),
        column("kind"),
        Column("may", lambda item: said(item["grants"])),
    ),
    ident="subject",
)


def login(*, options: Options = DEFAULTS) -> None:
    """Keep an API key for a server: asks for it without showing it, or reads it from stdin.

    Make one on the console, with `clustergenie key create`, or with the link that the server prints when it has none.
    """
    with options.client() as nobody:
        server = nobody.server
    key = _read(server)
    with Client(server, key=key) as client:
        me = client.request("GET", "/auth/me").json()
    if me["principal"] is None:
        raise NotLoggedIn(f"{server} does not take this key.")
    preferences.store_key(server, key)
    name, may = me["principal"]["name"], said(me["principal"]["grants"])
    output.note(f"Logged in to {server} as {name} ({may}); the key is kept in {preferences.file()}.")


def logout(*, options: Options = DEFAULTS) -> None:
    """Forget the API key for a server. The key itself stays valid: `clustergenie key revoke` ends it."""
    with options.client() as client:
        server = client.server
    if preferences.store_key(server, None):
        output.note(f"The key for {server} is no longer kept in {preferences.file()}.")
    else:
        output.note(f"No key is kept for {server}.")


def whoami(*, options: Options = DEFAULTS) -> None:
    """Say who the server takes us for, and what we may do there. Exits 4 when that is nobody."""
    with options.client() as client:
        me = client.request("GET", "/auth/me").json()
        if me["principal"] is None:
            raise NotLoggedIn(
                f"{client.server} does not know who is asking: `clustergenie login`, or CLUSTERGENIE_KEY."
            )
    options.detail(PRINCIPAL, me, "principal")


def _read(server: str) -> str:
    key = getpass.getpass(f"API key for {server}: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise Usage("No key was given; write it on stdin, or run this on a terminal.")
    if not (key.strip().isascii() and key.strip().isprintable()):
        raise Usage("This is not an API key: there are characters in it that no key has.")
    return key.strip()
