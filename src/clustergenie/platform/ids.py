"""Make identifiers that a person can read, a log can carry, and that sort by creation."""

import datetime as dt
import itertools
import os
import random
import secrets
import time

from clustergenie.platform.clock import micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u to misread
_TIE = itertools.count(secrets.randbelow(1 << 15))
# Ids are public, so they need chance, not secrecy. The system's generator would let go of the interpreter lock at
# every call, and hand it to the database thread in the middle of a request.
_CHANCE = random.Random(secrets.randbits(256))


def base32(value: int, width: int) -> str:
    """`value` in Crockford base 32, left-padded with zeros to `width`; keeps the order of numbers."""
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def sortable(moment: dt.datetime) -> str:
    """18 characters: 10 of time (microseconds, sorts by creation), 3 of tie-break in this process, 5 of chance."""
    return base32(micros(moment), 10 + 1)[:11] + base32(next(_TIE), 3) + base32(_CHANCE.getrandbits(25), 5)


def droplet_id(moment: dt.datetime) -> str:
    """A new `droplet-…`."""
    return f"droplet-{sortable(moment)}"


def job_id(job_type: str, moment: dt.datetime) -> str:
    """A new `job-<type>-<yyyymmddhhmmss>-…`."""
    return f"job-{job_type}-{moment:%Y%m%d%H%M%S}-{base32(next(_TIE), 3)}{base32(_CHANCE.getrandbits(40), 8)}"


def request_id() -> str:
    """16 hexadecimal digits."""
    return f"{_CHANCE.getrandbits(64):016x}"


def event_id() -> str:
    """24 hexadecimal digits."""
    return f"{_CHANCE.getrandbits(96):024x}"


def trace_id() -> str:
    """32 hexadecimal digits, never all zero: 8 of time, 24 of chance.

    W3C Trace Context asks for chance in the last 14; the time in front keeps rows of the same hour side by side in
    every index on it, where pure chance would touch another page for each.
    """
    return f"{int(time.time()) & 0xFFFFFFFF:08x}{_CHANCE.getrandbits(96):024x}"


def span_id() -> str:
    """16 hexadecimal digits, never all zero."""
    return f"{_CHANCE.getrandbits(64) | 1:016x}"


def worker_id() -> str:
    """New for every start of a process; never a host name, so that a restarted host is not mistaken for its past."""
    return f"worker-{os.getpid()}-{secrets.token_hex(6)}"


def token(prefix: str) -> str:
    """A secret of 256 bits, with a prefix that lets scanners and the redactor recognise it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"
