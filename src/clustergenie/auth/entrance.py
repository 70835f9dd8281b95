"""Put the gate and the reception together as the settings say."""

import datetime as dt

from clustergenie.auth.gate import Gate
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.oidc import OidcLogin
from clustergenie.auth.reception import Reception
from clustergenie.platform import config
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database


def gatekeeper(settings: Settings, db: Database) -> Gate:
    """Who decides about requests. On an address that others can reach, nobody is let in without a credential."""
    keyring = Keyring(db, idle=dt.timedelta(minutes=settings.session_idle_minutes))
    # A public address means a proxy before us: from this machine comes then also what began elsewhere.
    alone = config.is_loopback(settings.host) and not settings.public_url
    trusting = settings.auth != "required" and alone
    return Gate(keyring, trusting=trusting, open=settings.auth == "off")


def reception_of(settings: Settings, gate: Gate, login: OidcLogin) -> Reception:
    """Who lets browsers in."""
    return Reception(
        gate.keyring,
        lasts=dt.timedelta(hours=settings.session_hours),
        path=settings.base_path + "/",
        public_url=settings.public_url,
        oidc=login.offer,
    )
