"""What droplets need to know of clusters, without knowing clusters: the slice above plugs itself in here."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from clustergenie.platform.db import Tx
from clustergenie.platform.errors import NotFound, Problem


class NoSuchCluster(NotFound):
    """There is no cluster with this id."""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster gives its new members: names to count on from, and its defaults."""

    name: str
    first_ordinal: int
    region: str | None
    provider: str | None
    size: str | None
    image: str | None


class Membership(Protocol):
    """The cluster side of a droplet's life; every method runs in the caller's transaction."""

    def objections(self, tx: Tx, cluster_ids: Sequence[str]) -> dict[str, Problem]:
        """Which of these clusters cannot take droplets or jobs, and why."""
        ...

    def join(self, tx: Tx, cluster_id: str, count: int, name: str | None = None) -> Joined:
        """`count` more droplets are wanted there, named after `name` or the cluster. Raises what `objections` says."""
        ...

    def leave(self, tx: Tx, cluster_id: str, count: int) -> None:
        """`count` fewer droplets are wanted there."""


class NoClusters:
    """Nobody has plugged in: every cluster is unknown."""

    def objections(self, _tx: Tx, cluster_ids: Sequence[str]) -> dict[str, Problem]:
        return {cluster_id: NoSuchCluster(f"There is no cluster {cluster_id!r}.") for cluster_id in cluster_ids}

    def join(self, _tx: Tx, cluster_id: str, _count: int, _name: str | None = None) -> Joined:
        raise NoSuchCluster(f"There is no cluster {cluster_id!r}.")

    def leave(self, _tx: Tx, cluster_id: str, _count: int) -> None:
        raise NoSuchCluster(f"There is no cluster {cluster_id!r}.")


_plugged: list[Membership] = [NoClusters()]


def plug(membership: Membership) -> None:
    """The slice of clusters says that it is there."""
    _plugged[0] = membership


def clusters() -> Membership:
    """Whoever is plugged in."""
    return _plugged[0]
