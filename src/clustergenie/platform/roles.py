"""Say what a process may be: the roles, and what works in one process only."""

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart

ROLES = ("all", "api", "worker")


def check(settings: Settings) -> None:
    """Raises CannotStart for a role that this database or these providers cannot be shared in."""
    if settings.role == "all":
        return
    here = f"CLUSTERGENIE_ROLE (--role) is {settings.role!r}, so that several processes share one installation, but "
    if not settings.has_server():
        raise CannotStart(
            f"{here}SQLite serves one process: name a MySQL, MariaDB or PostgreSQL database with "
            "CLUSTERGENIE_DATABASE_URL, or run everything in one process with --role all."
        )
    if reason := alone_because(settings):
        raise CannotStart(f"{here}{reason}, or run everything in one process with --role all.")


def alone_because(settings: Settings) -> str:
    """Why only one process can serve this installation, and what to do about it; empty if any number can."""
    if "local" in settings.providers:
        return (
            "the local provider's machines are processes of one host, which only the process that started them can "
            "watch: leave local out of CLUSTERGENIE_PROVIDERS"
        )
    if "simulated" in settings.providers and not settings.simulated_url:
        return (
            "the simulated provider keeps its machines in one process: run `clustergenie simulated-cloud` and name it "
            "with CLUSTERGENIE_SIMULATED_URL, or leave simulated out of CLUSTERGENIE_PROVIDERS"
        )
    return ""
