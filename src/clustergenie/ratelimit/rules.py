"""Say what may be limited and how: rules, what they may hold, and the words for what they may not."""

import datetime as dt
import math
import re
from fractions import Fraction
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from clustergenie.platform.errors import Invalid, NotFound, invalid
from clustergenie.ratelimit import plan

Scope = Literal["global", "user", "cluster"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
OnError = Literal["local", "allow", "deny"]
NAME = r"^[a-z0-9_]{1,64}$"
LONGEST_ID = 256
MOST = 1_000_000_000
"""Tokens in a bucket, and tokens a second."""
LONGEST_FILL_SECONDS = 366 * 86_400


class RuleNotFound(NotFound):
    """There is no such limit."""


Name = Annotated[str, Meta(pattern=NAME, description="The limiter: jobs_create, diagnosis, or another.")]
Capacity = Annotated[int, Meta(ge=1, le=MOST, description="Tokens in a full bucket: the largest burst.")]
Rate = Annotated[float, Meta(gt=0, le=MOST, description="Tokens a second.")]


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a limit is to be."""

    name: Name
    scope: Scope = "global"
    capacity: Capacity
    refill_rate: Rate
    on_error: Annotated[
        OnError,
        Meta(description="While Redis cannot be reached: count in this process, let everything pass, or nothing."),
    ] = "local"
    shadow: Annotated[bool, Meta(description="Count and tell what would be refused, but refuse nothing.")] = False
    enabled: bool = True


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A limit in force; `source` is `stored`, or `default` when it comes from the settings. Versions only grow."""

    name: str
    scope: Scope
    capacity: int
    refill_rate: float
    on_error: OnError = "local"
    shadow: bool = False
    enabled: bool = True
    version: int = 0
    updated_at: dt.datetime | None = None
    source: Literal["stored", "default"] = "default"

    @property
    def place(self) -> tuple[str, Scope]:
        """What there is one rule for."""
        return self.name, self.scope

    def terms(self) -> plan.Terms:
        """In whole numbers, for the decision. The rate is what was written, not its nearest binary fraction."""
        return plan.terms(Fraction(repr(self.refill_rate)), self.capacity)


def made(new: NewRule, version: int, now: dt.datetime) -> Rule:
    """The rule as it is stored. Raises Invalid for one that could not be kept."""
    name_of(new.name, "/name")  # again: `$` in a pattern lets a line end pass
    check(new.capacity, new.refill_rate)
    return Rule(**msgspec.structs.asdict(new), version=version, updated_at=now, source="stored")


def check(capacity: int, refill_rate: float) -> None:
    """Raises Invalid, with the place and the reason."""
    if not math.isfinite(refill_rate) or not 0 < refill_rate <= MOST:
        raise invalid("/refill_rate", f"must be a number of tokens a second above 0, and at most {MOST:,}")
    if capacity / refill_rate > LONGEST_FILL_SECONDS:
        raise invalid(
            "/capacity",
            f"{capacity:,} tokens at {refill_rate:g} a second would take more than a year to come back; "
            "lower the capacity, or raise the rate",
        )


def name_of(text: str, pointer: str = "?name") -> str:
    """The name of a limiter. Raises Invalid for what is none."""
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise invalid(pointer, "must be 1 to 64 lower-case letters, digits or '_'")
    return text


def scope_of(text: str, pointer: str = "?scope") -> Scope:
    """The kind of scope. Raises Invalid for what is none."""
    for scope in SCOPES:
        if scope == text:
            return scope
    raise invalid(pointer, f"must be one of {', '.join(SCOPES)}")


def id_of(text: str, pointer: str) -> str:
    """Who a bucket is for. Raises Invalid for an empty, long or unprintable one: nothing is charged to it."""
    if not 1 <= len(text) <= LONGEST_ID:
        raise invalid(pointer, f"must have 1 to {LONGEST_ID} characters")
    if not text.isprintable():
        raise invalid(pointer, "must be printable characters in one line")
    return text


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Rule).decode


def to_json(rule: Rule) -> bytes:
    """As it is kept in Redis."""
    return _encode(rule)


def from_json(content: bytes) -> Rule | None:
    """None for what is no rule: someone wrote into our key, and one bad rule must not take the others away."""
    try:
        rule = _decode(content)
        name_of(rule.name)
        check(rule.capacity, rule.refill_rate)
    except (msgspec.DecodeError, Invalid):
        return None
    return rule if 1 <= rule.capacity <= MOST else None


def as_columns(rule: Rule) -> dict[str, Any]:
    """As it is kept in SQL."""
    return {name: value for name, value in msgspec.structs.asdict(rule).items() if name != "source"}
