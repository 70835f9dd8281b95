"""`clustergenie ready`: ask a server whether it takes requests; the health check of the image and of systemd."""

import os

import msgspec

from clustergenie.cli import output
from clustergenie.cli.server import settings_for
from clustergenie.client import Client

TIMEOUT_SECONDS = 4.0


def ready(*, server: str | None = None) -> None:
    """Say whether the server takes requests. Exits 1, with what is amiss, when it does not.

    Args:
        server: The server's address; without it CLUSTERGENIE_SERVER, else the one these settings would start here.
    """
    address = server or os.environ.get("CLUSTERGENIE_SERVER") or _own()
    # Asked once: who checks a server's health asks again by themselves, and wants to know about every failure.
    with Client(address, timeout=TIMEOUT_SECONDS, retries=0) as client:
        body = client.ready()
    output.note(f"{address} is {body.get('status', 'ready')}.")


def _own() -> str:
    """The server of these settings as this machine reaches it, not by way of what stands before its public address."""
    settings = settings_for()
    plain = not settings.tls_cert  # a certificate is for the public name
    return str((msgspec.structs.replace(settings, public_url="") if plain else settings).server_url())
