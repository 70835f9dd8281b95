"""Do what is done once in an installation's life, and see whether this process may be part of it."""

from clustergenie import clusters, droplets, jobs
from clustergenie.platform import leases, roles
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.telemetry import log


def first_things(tx: Tx, fingerprint: str, settings: Settings) -> str:
    """The installation's name. Its first process makes it, and its first cluster. Raises CannotStart."""
    leases.hold(tx, "first-things")
    clusters.seed(tx)
    name, same_key = droplets.installation_id(tx, fingerprint)
    if not same_key and settings.has_server():
        raise CannotStart(
            "This process has another secret key than the processes that used this database before; give all of them "
            "the same with CLUSTERGENIE_SECRET_KEY, or copy their secret.key into this data directory."
        )
    if not same_key:
        log().warning("the secret key is another one than before; what was made with that cannot be used any more")
        droplets.note_key(tx, fingerprint)
    return name


def check_company(tx: Tx, settings: Settings) -> None:
    """Raises CannotStart where another process is at work, and this one can only be by itself."""
    reason = roles.alone_because(settings)
    other = jobs.another(tx) if reason else None
    if other is not None:
        raise CannotStart(
            f"Another process ({other}) uses this database, and several cannot share what is set here: {reason}. "
            "Or stop the other one first."
        )
