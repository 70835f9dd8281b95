"""Read certificate and key, and settle which TLS is spoken."""

import ssl
from pathlib import Path

from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(settings: Settings) -> ssl.SSLContext | None:
    """The server's side of TLS; None where it is not asked for. Raises CannotStart."""
    if not settings.tls_cert and not settings.tls_key:
        return None
    if not settings.tls_cert or not settings.tls_key:
        raise CannotStart("--tls-cert and --tls-key belong together: give both, or none to serve HTTP.")
    for name, path in (("tls-cert", settings.tls_cert), ("tls-key", settings.tls_key)):
        _read(name, path)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = _VERSIONS[settings.tls_min_version]
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # An encrypted key would ask for its pass phrase on the terminal; a service has none.
        made.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except ssl.SSLError as error:
        raise CannotStart(
            f"The certificate {settings.tls_cert} and the key {settings.tls_key} cannot be used together: "
            f"{error.reason or error}. Both must be PEM, the key without a pass phrase, and they must belong together."
        ) from error
    return made


def ca(settings: Settings) -> str | None:
    """The certificates by which agents know us, as PEM; None for those of their system. Raises CannotStart."""
    return _read("tls-ca", settings.tls_ca) if settings.tls_ca else None


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not PEM"
        raise CannotStart(f"--{name} names {path}, which cannot be read: {reason}.") from error


def _no_password() -> str:
    return ""
