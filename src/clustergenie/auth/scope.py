"""Keep everyone to their clusters: what they may not see does not exist, and what they may not change stays."""

from typing import Any

from sqlalchemy import ColumnElement, Select, false

from clustergenie.auth.principal import Actor, Principal, acting
from clustergenie.platform.errors import Forbidden


class NotAllowed(Forbidden):
    """You may not do this."""


def admits(cluster_id: str | None) -> bool:
    """Whether what belongs to that cluster (None: to none) is there for who acts.

    Ask it wherever one thing is looked up. Raises NotAllowed where they see it, but the request needs a higher role
    on it than they have.
    """
    actor = acting()
    if actor is None or actor.principal.may(actor.needs, cluster_id):
        return True
    if not actor.principal.may("viewer", cluster_id):
        return False
    raise lacking(actor.principal, actor.needs, cluster_id)


def demand(cluster_id: str | None) -> None:
    """Raises NotAllowed unless who acts has the role that the request needs there; for what is yet to be made."""
    actor = acting()
    if actor is not None and not actor.principal.may(actor.needs, cluster_id):
        raise lacking(actor.principal, actor.needs, cluster_id)


def sees(actor: Actor | None, cluster_id: str | None) -> bool:
    """Whether what belongs to that cluster is there for `actor`, whatever they may do to it."""
    return actor is None or actor.principal.may("viewer", cluster_id)


def is_limited(actor: Actor | None) -> bool:
    """Whether there may be a cluster on which the actor cannot do what they are about to."""
    return actor is not None and not actor.principal.may(actor.needs)


def lacking(principal: Principal, role: str, cluster_id: str | None = None) -> NotAllowed:
    """What is said to who has not got the role."""
    where = f"on {cluster_id}" if cluster_id is not None else "on all clusters"
    return NotAllowed(f"This needs the role {role} {where}, which {principal.name} does not have.")


def visible_clusters() -> frozenset[str] | None:
    """The clusters that are there for who acts; None for all, and for what belongs to none."""
    actor = acting()
    return None if actor is None else actor.principal.clusters()


def visible(query: Select[Any], cluster_id: ColumnElement[Any]) -> Select[Any]:
    """The query without the rows that are not there for who acts. Ask it wherever things are listed."""
    clusters = visible_clusters()
    if clusters is None:
        return query
    return query.where(cluster_id.in_(sorted(clusters)) if clusters else false())
