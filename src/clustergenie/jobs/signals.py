"""Tell the workers of this process at once what they would otherwise find at their next poll."""

from collections.abc import Callable

from clustergenie.platform.event import Event

STOPPING = "stopping: "
"""How the message of a running job begins that was asked to stop."""
_RUNNABLE = frozenset(("job_requested", "job_completed", "job_failed", "job_cancelled"))
# The end of a job may let the next one of its serial key go.

_wakes: list[Callable[[], None]] = []
_cancels: list[Callable[[str], None]] = []


def on_wake(fn: Callable[[], None]) -> Callable[[], None]:
    """Have `fn()` called after each commit that made a job runnable. Returns what undoes this."""
    _wakes.append(fn)
    return lambda: _wakes.remove(fn)


def on_cancel(fn: Callable[[str], None]) -> Callable[[], None]:
    """Have `fn(job_id)` called after each commit that asked a running job to stop. Returns what undoes this."""
    _cancels.append(fn)
    return lambda: _cancels.remove(fn)


def wake() -> None:
    """There may be work."""
    for fn in _wakes:
        fn()


def cancel(job_id: str) -> None:
    """This job was asked to stop."""
    for fn in _cancels:
        fn(job_id)


def heard(committed: list[Event]) -> None:
    """What was committed, by whichever process: for `Database.listen` where several share a database."""
    if any(event.type in _RUNNABLE for event in committed):
        wake()
    for event in committed:
        if event.type == "job_progress" and event.job_id and (event.message or "").startswith(STOPPING):
            cancel(event.job_id)
