"""Decide about a login by OpenID Connect: what a token must say, what its groups may do, where to go afterwards.

https://openid.net/specs/openid-connect-core-1_0.html §3.1.3.7, RFC 9700, RFC 9207
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clustergenie.auth.oidc_models import GroupGrants, OidcRefused
from clustergenie.auth.principal import Grant

SKEW_SECONDS = 60
OLDEST_SECONDS = 600
"""A token is for the login it was asked for, which is over by then."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures only: a shared secret, and none at all, prove nothing about the issuer."""
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%?#-][\x21-\x5b\x5d-\x7e]*)?")


def safe_next(wanted: str) -> str:
    """The path within the console to go to; `/` for anything that a browser could take for another site."""
    return wanted if len(wanted) <= 2_048 and _PATH.fullmatch(wanted) else "/"


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> str:
    """The subject of an ID token whose signature is good. Raises OidcRefused with what is wrong with it."""
    for wrong, why in (
        (claims.get("iss") != issuer, "it is from another issuer"),
        (not _for_us(claims, client_id), "it is meant for somebody else"),
        (claims.get("nonce") != nonce, "it answers another login than this one"),
    ):
        if wrong:
            raise _refused(why)
    expires, issued, begins = (_number(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or expires + SKEW_SECONDS <= now:
        raise _refused("it has expired")
    if issued is None or issued - SKEW_SECONDS > now or (begins is not None and begins - SKEW_SECONDS > now):
        raise _refused("it is from the future; the clocks differ by more than a minute")
    if issued + OLDEST_SECONDS < now:
        raise _refused("it was made too long ago")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise _refused("it names nobody")
    return subject


def _for_us(claims: Mapping[str, Any], client_id: str) -> bool:
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    authorized = claims.get("azp")
    if client_id not in several or (authorized is not None and authorized != client_id):
        return False
    return len(several) == 1 or authorized == client_id


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _refused(why: str) -> OidcRefused:
    return OidcRefused(f"The ID token was not accepted: {why}. Log in again.")


def groups_in(claims: Mapping[str, Any], claim: str) -> tuple[str, ...] | None:
    """The groups that claims name; `realm_access.roles` looks inside. None where the claim is not there."""
    found: Any = claims
    if claim in claims:
        found = claims[claim]
    else:
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return None
    several = found if isinstance(found, list) else [found]
    return tuple(group for group in several if isinstance(group, str))


def grants_for(groups: Iterable[str], mapping: Sequence[GroupGrants]) -> tuple[Grant, ...]:
    """Everything that any of the groups may do."""
    mine = set(groups)
    found = {grant.grant() for each in mapping if each.group in mine for grant in each.grants}
    return tuple(sorted(found, key=lambda grant: (grant.role, sorted(grant.clusters or ()))))


def subject_for(issuer: str, subject: str) -> str:
    """What somebody is called here: always the same, and never the same as anybody of another issuer."""
    host = issuer.partition("://")[2]
    plain = f"oidc:{subject}@{host}"
    return plain if len(plain) <= 200 else f"oidc:{hashlib.sha256(plain.encode()).hexdigest()}"


def name_for(claims: Mapping[str, Any], subject: str) -> str:
    """What to call somebody: the first of these that the issuer tells."""
    for claim in ("name", "preferred_username", "email"):
        value = claims.get(claim)
        if isinstance(value, str) and value.isprintable() and value.strip():
            return value.strip()[:100]
    return subject[:100]
