"""Put the security headers on every answer, where the answer has none of its own."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

# What a page of ours never does, whoever put it there: be in a frame, ask for devices, be read by another site.
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_UNLESS_SAID: Headers = [
    # An answer of the API is not a page: should a browser show it as one, it may load and run nothing.
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"same-origin"),
]
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


def completed(headers: Iterable[tuple[bytes, bytes]], *, secure: bool) -> Headers:
    """The headers of an answer with the security headers it lacks; `secure` means that it goes over TLS."""
    own = list(headers)
    names = {name for name, _ in own}
    added = [*_ALWAYS, *(each for each in _UNLESS_SAID if each[0] not in names)]
    if secure:
        added.append(_STRICT_TRANSPORT)
    return own + added
