"""Limits over HTTP: how a bucket stands, and which rules there are."""

from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import Parameter, QueryParameter

from clustergenie.platform import http as web
from clustergenie.platform.errors import invalid
from clustergenie.ratelimit.backend import LimiterDown
from clustergenie.ratelimit.enforce import authenticated
from clustergenie.ratelimit.limiter import Limiter
from clustergenie.ratelimit.plan import MICROS, NEVER
from clustergenie.ratelimit.rules import (
    LONGEST_ID,
    NewRule,
    OnError,
    Rule,
    RuleNotFound,
    Scope,
    id_of,
    name_of,
    scope_of,
)
from clustergenie.ratelimit.store import TooManyRules

NameQuery = Annotated[
    str, Parameter(description="jobs_create, diagnosis, or another.", schema_extra={"pattern": "^[a-z0-9_]{1,64}$"})
]
ScopeQuery = Annotated[str, QueryParameter(name="scope", schema_extra={"enum": ["global", "user", "cluster"]})]
# The argument cannot be called `scope`: Litestar means the ASGI scope by it.
AnyScopeQuery = Annotated[
    str | None,
    Parameter(description="Default: the first that has a rule.", schema_extra={"enum": ["global", "user", "cluster"]}),
]
IdQuery = Annotated[
    str | None,
    Parameter(
        description="Which user or cluster; none for global, and for who asks.", schema_extra={"maxLength": LONGEST_ID}
    ),
]


class BucketReply(msgspec.Struct, kw_only=True):
    """How a bucket stands; nothing was charged. Times are in seconds from now, null where they never come."""

    name: str
    scope_type: Scope
    scope_id: str
    capacity: int
    refill_rate: float
    available: int
    retry_after: float | None
    reset: float | None
    enabled: bool
    shadow: bool
    on_error: OnError
    version: int
    source: str
    degraded: bool


class RuleReply(msgspec.Struct):
    """A rule; null when a deleted one leaves no default behind."""

    config: Rule | None
    message: str


class RuleList(msgspec.Struct):
    """Every rule in force, stored or default, by name and scope."""

    configs: list[Rule]
    total: int


@web.get("/observability/ratelimit", allow=web.VIEWER, raises=[RuleNotFound], tags=["observability"])
async def show_bucket(
    limiter: Limiter,
    request: Request[Any, Any, Any],
    name: NameQuery,
    scope_type: AnyScopeQuery = None,
    scope_id: IdQuery = None,
) -> BucketReply:
    """How many tokens a bucket has; looking charges nothing. A user's is the caller's own when none is named."""
    rule = limiter.rules.get(name_of(name), scope_of(scope_type, "?scope_type") if scope_type is not None else None)
    whom = authenticated(request) if rule.scope == "user" and scope_id is None else _whom(rule.scope, scope_id)
    rule, standing, source = await limiter.peek(rule.name, rule.scope, whom)
    return BucketReply(
        name=rule.name,
        scope_type=rule.scope,
        scope_id=whom,
        capacity=rule.capacity,
        refill_rate=rule.refill_rate,
        available=standing.available,
        retry_after=0.0 if standing.available else _in_seconds(standing.next_token),
        reset=_in_seconds(standing.reset),
        enabled=rule.enabled,
        shadow=rule.shadow,
        on_error=rule.on_error,
        version=rule.version,
        source=source,
        degraded=limiter.degraded,
    )


@web.get("/observability/ratelimit/config", allow=web.VIEWER, raises=[RuleNotFound], tags=["observability"])
async def get_rule(limiter: Limiter, name: NameQuery, kind: ScopeQuery = "global") -> RuleReply:
    """One rule."""
    return RuleReply(limiter.rules.get(name_of(name), scope_of(kind)), "ok")


@web.get("/observability/ratelimit/config/list", allow=web.VIEWER, tags=["observability"])
async def list_rules(limiter: Limiter) -> RuleList:
    """Every rule."""
    found = limiter.rules.rules()
    return RuleList(found, len(found))


@web.post(
    "/observability/ratelimit/config",
    allow=web.ADMIN,
    raises=[TooManyRules, LimiterDown],
    status_code=200,
    tags=["observability"],
)
async def put_rule(limiter: Limiter, data: NewRule) -> RuleReply:
    """Make or replace a rule; within a second it holds in every process."""
    return RuleReply(await limiter.rules.put(data), "stored")


@web.delete(
    "/observability/ratelimit/config",
    allow=web.ADMIN,
    raises=[RuleNotFound, LimiterDown],
    status_code=200,
    tags=["observability"],
)
async def delete_rule(limiter: Limiter, name: NameQuery, kind: ScopeQuery = "global") -> RuleReply:
    """Delete a stored rule; where the settings have a default, it holds again and is in the reply."""
    left = await limiter.rules.remove(name_of(name), scope_of(kind))
    return RuleReply(left, "deleted; the default holds again" if left else "deleted")


def _whom(scope: Scope, scope_id: str | None) -> str:
    if scope == "global":
        if scope_id:
            raise invalid("?scope_id", "is for the scopes user and cluster; global has one bucket for all")
        return ""
    if scope_id is None:
        raise invalid("?scope_id", f"is needed: which {scope}?")
    return id_of(scope_id, "?scope_id")


def _in_seconds(micros: int) -> float | None:
    return None if micros == NEVER else micros / MICROS


routes: list[Any] = [show_bucket, get_rule, list_rules, put_rule, delete_rule]
root_routes: list[Any] = routes
"""Those that also answer without the base path."""
