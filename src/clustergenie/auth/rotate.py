"""Seal every stored secret under a new key, while the server is stopped. Loaded by the command that does it."""

import asyncio
import secrets

from clustergenie import events
from clustergenie.auth.oidc_settings import reseal
from clustergenie.platform import databases, keyfile
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.keyfile import FILE, Keys
from clustergenie.platform.sealing import Box


def rotate(settings: Settings) -> int:
    """Make a key, seal everything with it, and forget the one before; how many secrets there were.

    With CLUSTERGENIE_SECRET_KEY no key is made: the last one it names seals from now on. A crash at any point leaves
    every secret readable. Raises CannotStart while a server uses the database, and CannotOpen, with no secret changed,
    for a secret that no key opens.
    """
    return asyncio.run(_rotate(settings))


async def _rotate(settings: Settings) -> int:
    db = Database(databases.backend(settings, events.append))
    await db.start()
    try:
        path = settings.data_dir / FILE
        held = keyfile.keys(settings)
        if not settings.secret_key:
            held = Keys([*held.all, secrets.token_bytes(32)])
            keyfile.store(path, held)  # both keys are there while secrets of both are
        box = Box(held)
        count = await db.write(reseal, lambda sealed, purpose: box.seal(box.open(sealed, purpose), purpose))
        if not settings.secret_key:
            keyfile.store(path, Keys([held.first, held.all[-1]]))
        return count
    finally:
        await db.stop()
