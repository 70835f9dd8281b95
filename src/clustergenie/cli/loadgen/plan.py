"""Decide what is sent and when: an open loop, so that a slow server cannot slow its own measurement."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from clustergenie.cli.failures import Usage

DIAGNOSIS = "diagnosis"  # asks at once; every other kind is the type of a job
KINDS = ("noop", "diagnose", "monitor", "provision", "scale", DIAGNOSIS)


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: what, about which cluster, and how many seconds after the start."""

    kind: str
    cluster_id: str
    due: float


def parse_rate(text: str) -> float:
    """`50`, `50/s` or `3000/m` as requests per second."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/(s|m))?", text.strip())
    rate = float(found[1]) / (60 if found[2] == "m" else 1) if found else 0.0
    if rate <= 0:
        raise Usage(f"--rate {text!r} is not a rate; write it as 50, 50/s or 3000/m.")
    return rate


def parse_mix(text: str) -> dict[str, int]:
    """`diagnose=2,noop=7` as shares."""
    mix: dict[str, int] = {}
    for part in text.split(","):
        kind, _, share = part.strip().partition("=")
        if kind not in KINDS or not share.isdigit():
            raise Usage(f"--mix {part.strip()!r} is not KIND=SHARE with a KIND out of {', '.join(KINDS)}.")
        mix[kind] = int(share)
    if not sum(mix.values()):
        raise Usage("--mix has only zero shares; nothing would be sent.")
    return mix


def spread(mix: dict[str, int]) -> list[str]:
    """One round of the mix with each kind spread evenly over it (smooth weighted round-robin, as in nginx)."""
    total = sum(mix.values())
    credit = dict.fromkeys(mix, 0)
    order = []
    for _ in range(total):
        for kind, share in mix.items():
            credit[kind] += share
        chosen = max(credit, key=lambda kind: credit[kind])
        credit[chosen] -= total
        order.append(chosen)
    return order


def shots(rate: float, seconds: float, mix: dict[str, int], clusters: Sequence[str]) -> Iterator[Shot]:
    """Every request of the run, in order; the clock, not the answers, says when each is due."""
    kinds, targets = cycle(spread(mix)), cycle(clusters)
    for number in range(max(1, round(rate * seconds))):
        yield Shot(next(kinds), next(targets), number / rate)
