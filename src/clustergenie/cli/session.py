"""`clustergenie session …`: browsers that are logged in."""

from clustergenie.cli import confirm
from clustergenie.cli.options import DEFAULTS, Limit, Options, Sort, order
from clustergenie.cli.tables import Shape, age, column

SESSION = Shape(
    "session",
    (
        column("id"),
        column("name"),
        column("address"),
        age("last_seen", "last_seen_at"),
        column("expires_at"),
        column("subject", wide=True),
        column("kind", wide=True),
        column("user_agent", wide=True),
        column("created_at", wide=True),
    ),
)


def list_sessions(*, sort: Sort = None, limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List the browsers that are logged in."""
    with options.client() as client:
        options.rows(SESSION, client.sessions.list(limit=limit, **order(sort)))


def revoke_session(session: str, /, *, yes: bool = False, options: Options = DEFAULTS) -> None:
    """Log a browser out.

    Args:
        session: Id of a session.
        yes: Do not ask.
    """
    with options.client() as client:
        confirm.yes_or_no(f"Log out {session}?", yes=yes)
        options.one(SESSION, client.sessions.revoke(session), "session")
