"""Hold the installation's keys: made at the first start, kept beside the database, readable only by us."""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart

FILE = "secret.key"
_KEY = re.compile(r"[0-9a-f]{64}")


class Keys:
    """The installation's keys, oldest first. The first is also what enrolment tokens are made from, and stays."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.all = tuple(keys)
        self.first = self.all[0]

    def fingerprint(self) -> str:
        """What may be stored of the first key, to tell whether another process has the same."""
        return hmac.new(self.first, b"clustergenie fingerprint", hashlib.sha256).hexdigest()

    def lines(self) -> str:
        """As they are kept."""
        return "".join(f"{key.hex()}\n" for key in self.all)


def keys(settings: Settings) -> Keys:
    """The keys in force: of CLUSTERGENIE_SECRET_KEY, else of `secret.key`, which is made at the first start.

    Raises CannotStart.
    """
    if settings.secret_key:
        return _parsed(settings.secret_key.replace(",", "\n"), "CLUSTERGENIE_SECRET_KEY")
    path = settings.data_dir / FILE
    if not path.exists():
        store(path, Keys([secrets.token_bytes(32)]), first=True)
    try:
        return _parsed(path.read_text(), f"The secret key {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"The secret key {path} cannot be read: {error}.") from error


def _parsed(text: str, where: str) -> Keys:
    lines = text.split()
    if not lines or not all(_KEY.fullmatch(line) for line in lines):
        raise CannotStart(
            f"{where} is damaged: it is one key of 64 hexadecimal digits, or several, the newest last. "
            "Restore it; without it, what it sealed cannot be read."
        )
    return Keys([bytes.fromhex(line) for line in lines])


def store(path: Path, held: Keys, *, first: bool = False) -> None:
    """Write the keys, readable only by us; whole or not at all. Of several `first` ones one wins.

    Raises CannotStart.
    """
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(held.lines())
            file.flush()
            os.fsync(file.fileno())
        if first:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
            temporary.unlink()
        else:
            temporary.replace(path)
    except OSError as error:
        raise CannotStart(f"The secret key {path} cannot be made: {error.strerror}.") from error
