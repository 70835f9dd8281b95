"""Make secrets, recognise them, and keep nothing of them but a hash."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

PREFIX_LENGTH = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_KEY = re.compile(r"cg_([0-9a-z]{10})_([A-Za-z0-9_\-]{43})")
_SESSION = re.compile(r"cgs_[A-Za-z0-9_\-]{43}")
_SETUP = re.compile(r"cgu_[A-Za-z0-9_\-]{43}")
IN_AN_ADDRESS = re.compile(r"cg_[0-9a-z]{10}_[A-Za-z0-9_\-]{20,}|cg[a-z]{1,3}_[A-Za-z0-9_\-]{40,}")
"""What must not be in a query string, once it is decoded: keys, and the tokens of sessions, setup and agents."""


class KeyText(NamedTuple):
    """An API key as it is sent: `cg_<prefix>_<secret>`; the prefix may be shown, the secret never."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"cg_{self.prefix}_{self.secret}"


def new_key() -> KeyText:
    """A key of 256 bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    return KeyText(prefix, secrets.token_urlsafe(32))


def read_key(text: str) -> KeyText | None:
    """The parts of a key; None for what is none."""
    found = _KEY.fullmatch(text)
    return KeyText(found[1], found[2]) if found else None


def new_session() -> str:
    """The value of a session's cookie."""
    return f"cgs_{secrets.token_urlsafe(32)}"


def is_session(text: str) -> bool:
    """Whether it looks like one."""
    return _SESSION.fullmatch(text) is not None


def new_setup() -> str:
    """A one-time setup token."""
    return f"cgu_{secrets.token_urlsafe(32)}"


def is_setup(text: str) -> bool:
    """Whether it looks like one."""
    return _SETUP.fullmatch(text) is not None


def digest(secret: str) -> str:
    """What is kept of a secret of 256 bits; a slow hash would add nothing to that."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets or hashes are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def csrf_token(session: str) -> str:
    """What the console sends with a session's cookie; who can only make a browser send the cookie cannot know it."""
    return hmac.new(session.encode(), b"clustergenie csrf", hashlib.sha256).hexdigest()
