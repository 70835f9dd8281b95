"""Nobody gets in where they don't belong: keys, sessions, roles on clusters, and who acts in a request."""

from clustergenie.auth.audit import Entry, audit, audit_many
from clustergenie.auth.audit_log import prune as prune_audit
from clustergenie.auth.entrance import gatekeeper, reception_of
from clustergenie.auth.gate import Found, Gate, found_of, principal_dependency
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.keys import prune as prune_keys
from clustergenie.auth.models import Oidc
from clustergenie.auth.oidc import OidcLogin
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
from clustergenie.auth.reception import Reception
from clustergenie.auth.refusals import Refusals
from clustergenie.auth.scope import NotAllowed, admits, demand, is_limited, sees, visible, visible_clusters
from clustergenie.auth.sessions import Visitor
from clustergenie.auth.sessions import begin as begin_session
from clustergenie.auth.sessions import prune as prune_sessions
from clustergenie.auth.setup import issue as issue_setup_token
from clustergenie.auth.setup import link as setup_link
from clustergenie.auth.setup import new_link as new_setup_link
from clustergenie.auth.standing import lost_standing, owner, owner_columns

__all__ = [
    "ANONYMOUS",
    "LOOPBACK",
    "Actor",
    "Entry",
    "Found",
    "Gate",
    "Grant",
    "Keyring",
    "NotAllowed",
    "Oidc",
    "OidcLogin",
    "Principal",
    "Reception",
    "Refusals",
    "Role",
    "Visitor",
    "acting",
    "acting_as",
    "admits",
    "audit",
    "audit_many",
    "begin_session",
    "demand",
    "found_of",
    "gatekeeper",
    "is_limited",
    "issue_setup_token",
    "lost_standing",
    "new_setup_link",
    "owner",
    "owner_columns",
    "principal_dependency",
    "prune_audit",
    "prune_keys",
    "prune_sessions",
    "reception_of",
    "sees",
    "setup_link",
    "visible",
    "visible_clusters",
]
