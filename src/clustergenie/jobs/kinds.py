"""Know every kind of job there is, by the name it is asked for."""

import re
from typing import Any, TypeVar

import msgspec

from clustergenie.jobs.models import Kind, UnknownJobType
from clustergenie.platform.errors import Invalid, invalid

P = TypeVar("P")

_kinds: dict[str, Kind[Any]] = {}


def declare(kind: Kind[P]) -> Kind[P]:
    """Make a kind known; a slice declares its own where it defines them. Two kinds cannot share a name."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"two kinds of job are named {kind.name!r}")
    return kind


def find(name: str) -> Kind[Any] | None:
    """The kind of that name, public or not."""
    return _kinds.get(name)


def public(name: str) -> Kind[Any]:
    """The kind a user asked for. Raises UnknownJobType."""
    kind = _kinds.get(name)
    if kind is None or not kind.public:
        known = ", ".join(sorted(kind.name for kind in _kinds.values() if kind.public))
        raise UnknownJobType(
            f"There is no job type {name!r}; known: {known}.",
            errors=[{"pointer": "/type", "detail": f"must be one of {known}"}],
        )
    return kind


def understand(kind: Kind[P], parameters: Any, at: str = "/parameters") -> P:
    """The parameters as the kind wants them. Raises Invalid with a JSON pointer."""
    try:
        return msgspec.convert(parameters, kind.parameters, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(str(error), at) from error


def misfit(words: str, at: str) -> Invalid:
    """msgspec's "Expected `int`, got `str` - at `$.count`" as an Invalid that points at `at` + `/count`."""
    reason, _, path = words.partition(" - at `$")
    pointer = at + "".join("/" + part for part in re.split(r"[.\[\]]+", path.rstrip("`")) if part)
    for marker in ("Object missing required field `", "Object contains unknown field `"):
        if reason.startswith(marker):
            name = reason.removeprefix(marker).rstrip("`")
            pointer += "/" + name.replace("~", "~0").replace("/", "~1")
            reason = f"{name!r} is required" if "missing" in marker else f"{name!r} is not a parameter of this type"
    return invalid(pointer, reason)
