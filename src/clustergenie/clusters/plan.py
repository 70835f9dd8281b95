"""Decide what a cluster needs and how it is doing; pure."""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0

_COMING = ("pending", "provisioning")
_LEAVING = ("draining", "deleting")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A live droplet, as far as choosing whom to let go is concerned."""

    id: str
    status: str
    created_at: dt.datetime


def victims(members: Sequence[Member], count: int) -> list[str]:
    """Whom to let go: those that are not up yet first, then the newest; the oldest have proved themselves."""
    ranked = sorted(
        members, key=lambda one: (one.status in _COMING, one.status == "pending", one.created_at, one.id), reverse=True
    )
    return [one.id for one in ranked[: max(0, count)]]


def target(wanted: int, target_size: int | None, action: str | None, by: int) -> int:
    """The size a scale request leads to, never below nothing."""
    if target_size is not None:
        return target_size
    return max(0, wanted + (by if action == "scale_up" else -by))


def differs(counts: Mapping[str, int], wanted: int) -> int:
    """How many droplets are missing (positive) or too many (negative)."""
    return wanted - sum(counts.get(status, 0) for status in (*_COMING, "active"))


def pause_seconds(failures: int) -> float:
    """How long to wait before healing is tried again: doubling from 2 s to 5 min."""
    return float(min(FIRST_PAUSE_SECONDS * 2.0 ** min(max(failures - 1, 0), 20), LONGEST_PAUSE_SECONDS))


def health(counts: Mapping[str, int], wanted: int, *, deleting: bool) -> tuple[str, str]:
    """Status and the sentence that answers "is it healthy?"."""
    active = counts.get("active", 0)
    coming = sum(counts.get(status, 0) for status in _COMING)
    leaving = sum(counts.get(status, 0) for status in _LEAVING)
    broken = counts.get("lost", 0) + counts.get("failed", 0)
    if deleting:
        return "deleting", f"being deleted; {active + coming + leaving + broken} droplets left"
    if wanted == 0 and active + coming + leaving + broken == 0:
        return "empty", "no droplets wanted, none there"
    details = ", ".join(
        f"{counts[status]} {status}" for status in sorted(counts) if status != "active" and counts[status]
    )
    if active == wanted and not broken and not coming and not leaving:
        return "healthy", f"all {wanted} droplets are active" if wanted > 1 else "its one droplet is active"
    sentence = f"{active} of {wanted} wanted droplets are active" + (f" ({details})" if details else "")
    if broken or (active < wanted and not coming):
        return "degraded", sentence
    if active == 0 and coming:
        return "provisioning", sentence
    return "scaling", sentence
