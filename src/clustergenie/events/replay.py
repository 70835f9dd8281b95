"""Hand a dead letter to its consumer once more, in one transaction with the note that it was replayed."""

from collections.abc import Callable, Mapping

from sqlalchemy.exc import OperationalError

from clustergenie.events import dead_letters, foreign
from clustergenie.events.catalogue import BadEvent
from clustergenie.events.consumer import Consumer, apply
from clustergenie.events.dead_letters import DeadLetter, Letter
from clustergenie.events.log import newest
from clustergenie.platform.db import Database, Tx
from clustergenie.platform.errors import Conflict, Unavailable
from clustergenie.platform.event import Event

Also = Callable[[Tx, DeadLetter], None]
"""What is done in the transaction of a replay as well."""


def nothing_else(_tx: Tx, _letter: DeadLetter) -> None:
    """Nothing."""


class NoSuchConsumer(Conflict):
    """No consumer of that group runs here."""


class ReplayFailed(Conflict):
    """The consumer could not take the event this time either."""


async def replay(
    db: Database, consumers: Mapping[str, Consumer], dead_letter_id: int, also: Also = nothing_else
) -> DeadLetter:
    """Raises UnknownDeadLetter, AlreadyReplayed, NoSuchConsumer, ReplayFailed."""
    try:
        return await db.write(_replay, consumers, dead_letter_id, also)
    except _HandlerFailed as failed:
        reason = failed.reason
    await db.write(dead_letters.mark_failed, dead_letter_id, reason)
    raise ReplayFailed(f"The event failed again: {str(reason) or type(reason).__name__}") from reason


def _replay(tx: Tx, consumers: Mapping[str, Consumer], dead_letter_id: int, also: Also) -> DeadLetter:
    letter = dead_letters.find(tx, dead_letter_id)
    try:
        event = letter.event or _read(letter)
    except BadEvent as failure:
        raise _HandlerFailed(failure) from failure
    event.id = event.id or newest(tx) + 1
    event.timestamp = event.timestamp or tx.now
    for consumer in _takers(consumers, letter, event):
        try:
            apply(tx, consumer, [event], upto=None)
        except (Unavailable, OperationalError):  # the database, not the consumer: a deadlock is run again
            raise
        except Exception as failure:
            raise _HandlerFailed(failure) from failure
    replayed = dead_letters.mark_replayed(tx, dead_letter_id)
    also(tx, replayed)
    return replayed


def _read(letter: Letter) -> Event:
    """What could not be read then, read with what this version knows; an operator may have it however long it is."""
    assert letter.origin is not None
    return foreign.read(letter.origin.raw, letter.origin.headers, letter.origin.place, limit=None)


def _takers(consumers: Mapping[str, Consumer], letter: Letter, event: Event) -> list[Consumer]:
    if letter.event is None:  # nobody had it yet: it is for all who want such
        return [consumer for consumer in consumers.values() if event.type in consumer.types]
    if letter.group not in consumers:
        raise NoSuchConsumer(
            f"The group {letter.group!r} has no consumer in this version, so nothing can take the event."
        )
    return [consumers[letter.group]]


class _HandlerFailed(Exception):
    """Tells the consumer's own failure from ours."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason
