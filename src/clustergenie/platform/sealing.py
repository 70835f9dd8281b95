"""Keep secrets in the database as nobody without the installation's keys can read them. Loaded where one is kept."""

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clustergenie.platform.errors import Unavailable
from clustergenie.platform.keyfile import FILE, Keys

_VERSION = "sealed1"
_NONCE = 12  # bytes; chance is enough for the 2^32 secrets that NIST SP 800-38D allows to one key


class CannotOpen(Unavailable):
    """A stored secret cannot be opened with the keys of this server."""


class Box:
    """Seals with the newest key and opens with any. AES-256-GCM; `purpose` and place are bound to what is sealed."""

    def __init__(self, keys: Keys) -> None:
        self._ciphers = {_name(key): AESGCM(_derived(key)) for key in keys.all}
        self.newest = _name(keys.all[-1])

    def seal(self, secret: str, purpose: str) -> str:
        """Text to store. Only a Box with this key and the same `purpose` opens it."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._ciphers[self.newest].encrypt(nonce, secret.encode(), purpose.encode())
        return f"{_VERSION}:{self.newest}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """The secret. Raises CannotOpen."""
        version, name, content = (*sealed.split(":", 2), "", "")[:3]
        cipher = self._ciphers.get(name)
        if version != _VERSION or cipher is None:
            raise CannotOpen(
                f"The {purpose} was sealed with the key {name[:16] or '?'}, which this server does not have: bring "
                f"that {FILE} or CLUSTERGENIE_SECRET_KEY back, or set the {purpose} again."
            )
        try:
            raw = base64.urlsafe_b64decode(content)
            if base64.urlsafe_b64encode(raw).decode() != content:  # the decoder passes over what is not base64
                raise ValueError(content)
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(f"The stored {purpose} has been changed or damaged; set it again.") from error

    def is_newest(self, sealed: str) -> bool:
        """Whether it is sealed with the newest key."""
        return sealed.split(":")[1:2] == [self.newest]


def _name(key: bytes) -> str:
    return hashlib.sha256(b"clustergenie key name" + key).hexdigest()[:16]


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"clustergenie sealing").derive(key)
