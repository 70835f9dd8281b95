"""Database servers: how to reach MySQL, MariaDB and PostgreSQL, and what each of them means by its errors."""

from clustergenie.platform.servers import schema
from clustergenie.platform.servers.address import Server
from clustergenie.platform.servers.backend import ServerBackend

__all__ = ["Server", "ServerBackend", "schema"]
