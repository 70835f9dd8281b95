"""Reach a simulated cloud that is a process of its own, as one reaches a real one."""

from types import NoneType
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from clustergenie.platform.errors import Problem
from clustergenie.providers.driver import Catalog, Order
from clustergenie.providers.errors import (
    MachineNotFound,
    NoAnswer,
    NoCapacity,
    OverQuota,
    Refused,
    Throttled,
)
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.wire import Line

T = TypeVar("T")

WORDS: dict[str, type[Problem]] = {
    word.type_name(): word for word in (MachineNotFound, NoAnswer, NoCapacity, OverQuota, Refused)
}


class RemoteSite:
    """See FarSide."""

    def __init__(self, url: str) -> None:
        """Raises ValueError."""
        self._line = Line(url)

    async def start(self) -> None:
        """Nothing: a cloud that is away now is asked again when it is needed."""

    async def close(self) -> None:
        """Let go; the machines run on."""
        await self._line.close()

    async def tagged(self, installation: str, tag: str) -> list[Vm]:
        """See FarSide."""
        return await self._ask("GET", f"/machines?{_query(installation=installation, tag=tag)}", list[Vm])

    async def make(self, order: Order) -> Vm:
        """See FarSide."""
        return await self._ask("POST", "/machines", Vm, order)

    async def again(self, ref: str, order: Order) -> Vm:
        """See FarSide."""
        return await self._ask("PUT", f"/machines/{quote(ref, safe='')}", Vm, order)

    async def get(self, installation: str, ref: str) -> Vm:
        """See FarSide."""
        return await self._ask("GET", f"/machines/{_ref(ref)}?{_query(installation=installation)}", Vm)

    async def list(self, installation: str) -> "list[Vm]":
        """See FarSide."""
        return await self._ask("GET", f"/machines?{_query(installation=installation)}", list[Vm])

    async def destroy(self, installation: str, ref: str) -> None:
        """See FarSide."""
        await self._ask("DELETE", f"/machines/{_ref(ref)}?{_query(installation=installation)}", NoneType)

    async def catalog(self) -> Catalog:
        """See FarSide."""
        return await self._ask("GET", "/catalog", Catalog)

    async def _ask(self, method: str, path: str, kind: type[T], body: Any = None) -> T:
        try:
            status, reply = await self._line.call(method, path, body)
        except OSError as error:
            raise NoAnswer(f"The simulated cloud does not answer: {str(error) or type(error).__name__}.") from error
        if status == 200:
            return msgspec.convert(reply, kind)
        detail = str(reply.get("detail", "")) if isinstance(reply, dict) else ""
        word = str(reply.get("type", "")) if isinstance(reply, dict) else ""
        if word == Throttled.type_name():
            raise Throttled(detail, retry_after=float(reply.get("retry_after", 1.0)))
        if (problem := WORDS.get(word)) is not None:
            raise problem(detail)
        raise NoAnswer(f"The simulated cloud answered {status}: {detail or 'nothing that is understood'}.")


def _ref(ref: str) -> str:
    """A ref as part of a path: none is ever longer than this."""
    return quote(ref[:200], safe="") or "-"


def _query(**names: str) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in names.items())
