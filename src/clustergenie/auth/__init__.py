"""Nobody gets in where they don't belong: keys, sessions, roles on clusters, and who acts in a request."""

from clustergenie.auth.gate import Found, Gate, found_of, principal_dependency
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.principal import (
    ANONYMOUS,
    LOOPBACK,
    Actor,
    Grant,
    Principal,
    Role,
    acting,
    acting_as,
)
from clustergenie.auth.scope import NotAllowed, admits, demand, visible, visible_clusters

__all__ = [
    "ANONYMOUS",
    "LOOPBACK",
    "Actor",
    "Found",
    "Gate",
    "Grant",
    "Keyring",
    "NotAllowed",
    "Principal",
    "Role",
    "acting",
    "acting_as",
    "admits",
    "demand",
    "found_of",
    "principal_dependency",
    "visible",
    "visible_clusters",
]
