"""Say limits to a client in RateLimit, RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11) and Retry-After.

Both are lists of structured fields (RFC 9651): `"jobs_create:user";q=100;w=2` and `"jobs_create:user";r=98;t=1`.
"""

from collections.abc import Sequence

from clustergenie.ratelimit import plan
from clustergenie.ratelimit.limiter import Held

POLICY = b"ratelimit-policy"
LIMIT = b"ratelimit"


def fields(held: Sequence[Held]) -> list[tuple[bytes, bytes]]:
    """Both headers, for every limit that is enforced; none where there is none."""
    told = [each for each in held if not each.limit.rule.shadow]
    if not told:
        return []
    return [
        (POLICY, ", ".join([_policy(each) for each in told]).encode()),
        (LIMIT, ", ".join([_standing(each) for each in told]).encode()),
    ]


def retry_after(held: Sequence[Held]) -> int | None:
    """Whole seconds until a request like this one can pass, and never too early; None if it never can."""
    waits = [each.standing.retry_after for each in held if each.refused and not each.limit.rule.shadow]
    return None if not waits or plan.NEVER in waits else seconds(max(waits))


def seconds(micros: int) -> int:
    """Rounded up: a client that comes back when it is told to is not refused for it."""
    return -(-micros // plan.MICROS)


def _policy(held: Held) -> str:
    terms = held.limit.terms
    window = f";w={-(-terms.burst // (terms.per_micro * plan.MICROS))}" if terms.per_micro else ""
    return f'"{held.limit.policy}";q={terms.capacity}{window}'


def _standing(held: Held) -> str:
    standing = held.standing
    wait = standing.retry_after if held.refused else standing.next_token
    return f'"{held.limit.policy}";r={standing.available}' + (f";t={seconds(wait)}" if wait != plan.NEVER else "")
