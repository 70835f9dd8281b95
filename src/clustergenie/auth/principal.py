"""Say who acts: a principal with its grants, and during a request the actor behind everything that is done."""

import contextvars
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

import msgspec

Role = Literal["viewer", "operator", "admin"]
Kind = Literal["key", "session", "oidc", "loopback", "setup", "anonymous"]

RANK: Final[Mapping[str, int]] = {"viewer": 1, "operator": 2, "admin": 3}
"""Who has a role has those below it too."""


class Grant(msgspec.Struct, frozen=True, order=True):
    """A role, on all clusters or on the named ones."""

    role: Role
    clusters: frozenset[str] | None = None

    def covers(self, role: str, cluster_id: str | None) -> bool:
        """Whether it gives `role` there; None stands for what belongs to no cluster."""
        if RANK[self.role] < RANK[role]:
            return False
        return self.clusters is None or (cluster_id is not None and cluster_id in self.clusters)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has proved who they are, and what they may do.

    `subject` is stable and unique (`key:…`, `oidc:…`, `loopback`); `name` is for people.
    """

    subject: str
    name: str
    kind: Kind
    grants: tuple[Grant, ...] = ()

    def may(self, role: str, cluster_id: str | None = None) -> bool:
        """Whether it has `role` on that cluster; without one, on all clusters."""
        return any(grant.covers(role, cluster_id) for grant in self.grants)

    def may_somewhere(self, role: str) -> bool:
        """Whether there is any place where it has `role`."""
        return any(RANK[grant.role] >= RANK[role] for grant in self.grants)

    def clusters(self, role: str = "viewer") -> frozenset[str] | None:
        """The clusters on which it has `role`; None for all."""
        named: frozenset[str] = frozenset()
        for grant in self.grants:
            if RANK[grant.role] >= RANK[role]:
                if grant.clusters is None:
                    return None
                named |= grant.clusters
        return named


ANONYMOUS: Final = Principal(subject="anonymous", name="nobody", kind="anonymous")
LOOPBACK: Final = Principal(subject="loopback", name="local admin", kind="loopback", grants=(Grant("admin"),))

SETTING_UP: Final = Principal(subject="setup", name="who has the setup link", kind="setup")


class Actor(msgspec.Struct, frozen=True):
    """A principal during one request: from where it acts, in which request, and with which role it must."""

    principal: Principal
    address: str
    request_id: str
    trace_id: str
    needs: str = "viewer"


_acting: contextvars.ContextVar[Actor | None] = contextvars.ContextVar("clustergenie_actor", default=None)


def acting() -> Actor | None:
    """Who acts now; None in work that the control plane does by itself.

    A transaction runs in its caller's context, so it can be asked there too.
    """
    return _acting.get()


def enter(actor: Actor) -> None:
    """From here on in this task, `actor` acts."""
    _acting.set(actor)


@contextmanager
def acting_as(actor: Actor | None) -> Iterator[None]:
    """Within the block, `actor` acts."""
    token: contextvars.Token[Any] = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
