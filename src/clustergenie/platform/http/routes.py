"""Declare a route together with every way it can refuse, so that `/openapi.json` never lies."""

from collections.abc import Callable, Sequence
from typing import Any

import litestar
from litestar.openapi.datastructures import ResponseSpec

from clustergenie.platform.errors import Invalid, Malformed, NotFound, Problem, Unavailable
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


def get(path: str | list[str], *, raises: Sequence[type[Problem]] = (), **more: Any) -> Decorator:
    """A route that reads."""
    return litestar.get(path, responses=_responses(raises, reads=True), raises=[], **more)


def post(path: str | list[str], *, raises: Sequence[type[Problem]] = (), **more: Any) -> Decorator:
    """A route that acts or creates."""
    return litestar.post(path, responses=_responses(raises), raises=[], **more)


def put(path: str | list[str], *, raises: Sequence[type[Problem]] = (), **more: Any) -> Decorator:
    """A route that changes."""
    return litestar.put(path, responses=_responses(raises), raises=[], **more)


def delete(path: str | list[str], *, raises: Sequence[type[Problem]] = (), **more: Any) -> Decorator:
    """A route that removes."""
    return litestar.delete(path, responses=_responses(raises), raises=[], **more)


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
