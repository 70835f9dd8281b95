"""Do one act to many things, each on its own: what one of them is refused does not hold up the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from clustergenie.platform.errors import Problem
from clustergenie.platform.http.problems import ProblemDocument, render

MOST = 100
"""Things in one call; who has more calls again, and can show how far it is."""

Ids = Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1, max_length=MOST)]


class BulkItem(msgspec.Struct, kw_only=True):
    """What became of one of them: `problem` says why it was not done."""

    id: str
    done: bool
    message: str
    job_id: str | None = None
    problem: ProblemDocument | None = None


class BulkReply(msgspec.Struct, kw_only=True):
    """What became of each, in the order they were named."""

    results: list[BulkItem]
    done: int
    failed: int
    message: str


class Outcome(msgspec.Struct):
    """What an act has to say for itself."""

    message: str
    job_id: str | None = None


async def each(ids: Sequence[str], act: Callable[[str], Awaitable[Outcome]]) -> BulkReply:
    """Do `act` to each of these once; a Problem is part of the reply. Anything else is a bug, and ends the call."""

    async def one(item: str) -> BulkItem:
        try:
            outcome = await act(item)
        except Problem as problem:
            body = render(
                problem.status, problem.type_name(), problem.title(), problem.detail, errors=list(problem.errors)
            )
            document = msgspec.convert(body, ProblemDocument)
            return BulkItem(id=item, done=False, message=document.detail, problem=document)
        return BulkItem(id=item, done=True, message=outcome.message, job_id=outcome.job_id)

    results = await asyncio.gather(*(one(item) for item in dict.fromkeys(ids)))
    done = sum(item.done for item in results)
    failed = len(results) - done
    return BulkReply(results=results, done=done, failed=failed, message=f"{done} done, {failed} refused")
