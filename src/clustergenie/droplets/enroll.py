"""Let an agent in: a one-time token for one droplet, a credential in return, and its rotation.

Only hashes are kept. The token is derived from the installation's secret, so that an order that is repeated after a
crash carries the same one.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, select, update

from clustergenie.droplets.models import COMING, DropletGone, TokenRefused, TokenUsed
from clustergenie.droplets.tables import agents, droplets
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem

TOKEN_LIFE = dt.timedelta(minutes=30)
CREDENTIAL_LIFE = dt.timedelta(hours=24)
ROTATE_AT = 0.67
"""A credential is replaced after this part of its life."""

Secret = Annotated[str, Meta(min_length=1, max_length=256)]
Word = Annotated[str, Meta(min_length=1, max_length=64)]


class Enroll(msgspec.Struct):
    """What an agent says first."""

    droplet_id: Word
    token: Secret
    nonce: Secret
    agent_version: Annotated[str, Meta(max_length=32)] = ""
    boot_id: Annotated[str, Meta(max_length=64)] = ""
    address: Annotated[str, Meta(max_length=64)] | None = None
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    pid: int | None = None


class Enrolled(msgspec.Struct):
    """What it gets: the credential is shown this once."""

    credential: str
    expires_at: dt.datetime
    heartbeat_seconds: float


class Tokens:
    """Makes each droplet's one-time token from the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, droplet_id: str) -> str:
        """The token of that droplet, always the same one."""
        return "cgt_" + hmac.new(self._secret, droplet_id.encode(), hashlib.sha256).hexdigest()


def digest(secret: str) -> str:
    """What is kept of a secret of 256 bits; a slow hash would add nothing to that."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_credential() -> str:
    """A fresh credential."""
    return "cgc_" + secrets.token_urlsafe(32)


_AGENTS = (
    select(agents, droplets.c.status, droplets.c.ip_address)
    .join(droplets, droplets.c.id == agents.c.droplet_id)
    .where(agents.c.droplet_id.in_(bindparam("ids", expanding=True)))
)
_RENEWED = (
    update(agents)
    .where(agents.c.droplet_id == bindparam("b_id"), agents.c.enrolled_at.is_(None))
    .values(token_expires_at=bindparam("expires"))
)
_ENROLLED = (
    update(agents)
    .where(agents.c.droplet_id == bindparam("b_id"))
    .values(
        nonce_hash=bindparam("nonce"),
        enrolled_at=bindparam("moment"),
        credential_hash=bindparam("credential"),
        next_credential_hash=None,
        credential_expires_at=bindparam("expires"),
    )
)


def renew(tx: Tx, droplet_ids: Sequence[str]) -> None:
    """Let the tokens of machines that are ordered now live from now on, unless an agent has used them."""
    if droplet_ids:
        tx.execute(_RENEWED, [{"b_id": droplet_id, "expires": tx.now + TOKEN_LIFE} for droplet_id in droplet_ids])


def enroll_many(tx: Tx, requests: Sequence[Enroll], heartbeat_seconds: float) -> "list[Enrolled | Problem]":
    """Enrol agents, many at once: each gets its credential or the reason why not.

    The first nonce binds the token; the same nonce may try again (its reply was lost) and gets a new credential.
    """
    rows = {row.droplet_id: row for row in tx.execute(_AGENTS, {"ids": [item.droplet_id for item in requests]})}
    answers: list[Enrolled | Problem] = []
    accepted = []
    for item in requests:
        row = rows.get(item.droplet_id)
        refusal = _refusal(row, item, tx.now)
        if refusal is not None or row is None:
            answers.append(refusal or TokenRefused())
            continue
        credential, expires = new_credential(), tx.now + CREDENTIAL_LIFE
        answers.append(Enrolled(credential, expires, heartbeat_seconds))
        accepted.append(
            {
                "b_id": item.droplet_id,
                "nonce": digest(item.nonce),
                "moment": tx.now,
                "credential": digest(credential),
                "expires": expires,
            }
        )
    if accepted:
        tx.execute(_ENROLLED, accepted)
    return answers


def _refusal(row: Any, item: Enroll, now: dt.datetime) -> Problem | None:
    if row is None or not hmac.compare_digest(row.token_hash, digest(item.token)):
        return TokenRefused("This enrolment token is not known here; the droplet must be provisioned again.")
    if row.status not in (*COMING, "active"):
        return DropletGone(f"{item.droplet_id} is {row.status}; its agent has nothing left to do.")
    if row.nonce_hash is not None and not hmac.compare_digest(row.nonce_hash, digest(item.nonce)):
        return TokenUsed(f"The token of {item.droplet_id} was used before by another process; enrol a new droplet.")
    if row.token_expires_at < now:
        return TokenRefused(f"The enrolment token of {item.droplet_id} has expired; provision the droplet again.")
    return None
