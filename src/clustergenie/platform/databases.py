"""Choose the database that the settings name."""

from clustergenie.platform import migrate
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Backend, EventSink
from clustergenie.platform.servers import Server, ServerBackend
from clustergenie.platform.sqlite import SqliteBackend


def backend(settings: Settings, sink: EventSink) -> Backend:
    """The backend, not started; when it starts it brings the schema up to date. Raises CannotStart."""
    if settings.has_server():
        return ServerBackend(
            settings.database_url,
            sink,
            prepare=migrate.ensure_server,
            connections=settings.database_connections,
        )
    return SqliteBackend(settings.database_path(), sink, prepare=migrate.ensure)


def server(settings: Settings) -> str:
    """Where the database server is and what it says it is, once it let us in. Raises CannotStart."""
    found = Server(settings.database_url)
    found.check()
    return f"{found}, {found.version.product} {found.version.text}"
