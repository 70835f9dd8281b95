"""Declare a route together with every way it can refuse, so that `/openapi.json` never lies."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import litestar
from litestar.openapi.datastructures import ResponseSpec

from clustergenie.platform.errors import (
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    Unauthenticated,
    Unavailable,
)
from clustergenie.platform.http.problems import MEDIA_TYPE, ProblemDocument

ANY_QUERY = "any_query"  # an `opt` of a route that leaves the query to somebody else, such as a page's script
Decorator = Callable[[Callable[..., Any]], Any]


class MethodNotAllowed(Problem):
    """This path does not answer to that method."""

    status = 405


class TooLarge(Problem):
    """The request is too large."""

    status = 413


class NotJson(Problem):
    """The body must be JSON."""

    status = 415


Allow = Literal["anyone", "viewer", "operator", "admin", "agent"]
"""Who may call a route. What the words mean is decided by the guard that the application is built with."""

ANYONE: Final = "anyone"
VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
ADMIN: Final = "admin"
AGENT: Final = "agent"  # with its own credential, which the route itself checks

ALLOW = "allow"  # the `opt` that holds it
SCOPED = "scoped"  # an `opt`: the route narrows what it does to the caller's clusters; else only who has all may call


def get(
    path: str | list[str], *, allow: Allow, scoped: bool = False, raises: Sequence[type[Problem]] = (), **more: Any
) -> Decorator:
    """A route that reads."""
    return litestar.get(path, **_rules(allow, scoped, raises, more, reads=True))


def post(
    path: str | list[str], *, allow: Allow, scoped: bool = False, raises: Sequence[type[Problem]] = (), **more: Any
) -> Decorator:
    """A route that acts or creates."""
    return litestar.post(path, **_rules(allow, scoped, raises, more))


def put(
    path: str | list[str], *, allow: Allow, scoped: bool = False, raises: Sequence[type[Problem]] = (), **more: Any
) -> Decorator:
    """A route that changes."""
    return litestar.put(path, **_rules(allow, scoped, raises, more))


def delete(
    path: str | list[str], *, allow: Allow, scoped: bool = False, raises: Sequence[type[Problem]] = (), **more: Any
) -> Decorator:
    """A route that removes."""
    return litestar.delete(path, **_rules(allow, scoped, raises, more))


def _rules(
    allow: Allow, scoped: bool, raises: Sequence[type[Problem]], more: dict[str, Any], *, reads: bool = False
) -> dict[str, Any]:
    refuses: list[type[Problem]] = [] if allow == ANYONE else [Unauthenticated]
    if allow not in (ANYONE, AGENT):
        refuses.append(Forbidden)
    opt = {**more.pop("opt", {}), ALLOW: allow, SCOPED: scoped}
    if allow not in (ANYONE, AGENT):
        more.setdefault("security", [{"key": []}, {"session": []}])
    return {"responses": _responses([*raises, *refuses], reads=reads), "raises": [], "opt": opt, **more}


def _responses(raises: Sequence[type[Problem]], *, reads: bool = False) -> dict[int, ResponseSpec]:
    everywhere: list[type[Problem]] = [Malformed, NotFound, MethodNotAllowed, Invalid, Unavailable]
    bodies: list[type[Problem]] = [] if reads else [TooLarge, NotJson]
    titles: dict[int, list[str]] = {}
    for problem in [*raises, *everywhere, *bodies]:
        titles.setdefault(problem.status, []).append(problem.title())
    return {
        status: ResponseSpec(
            data_container=ProblemDocument,
            description=" ".join(dict.fromkeys(words)),
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status, words in sorted(titles.items())
    }
