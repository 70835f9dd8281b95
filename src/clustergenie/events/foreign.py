"""Read an event that another system may have written, wherever it was found."""

import hashlib
from collections.abc import Mapping

from clustergenie.events.catalogue import BadEvent, parse
from clustergenie.platform.event import Event

LIMIT = 256 * 1024
"""The longest event in bytes; what another system makes longer becomes a dead letter."""


def read(value: bytes, headers: Mapping[str, str], place: str, *, limit: int | None = LIMIT) -> Event:
    """The event. Raises BadEvent with the reason.

    Copies are told apart by `event_id`; else by the CloudEvents `id` with its `source`; else by `place`, which names
    where it was found.
    """
    if not value:
        raise BadEvent("The message is empty; an event is a JSON object.")
    if limit is not None and len(value) > limit:
        raise BadEvent(f"The event has {len(value):,} bytes; at most {limit:,} are taken.")
    signed = "ce_id" in headers and "ce_source" in headers
    name = f"{headers['ce_source']}\n{headers['ce_id']}" if signed else place
    return parse(value, default_id=hashlib.sha256(name.encode()).hexdigest()[:32])
