"""Let a simulated cloud be reached over HTTP: machines, the catalog, and what can go wrong on demand."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from clustergenie.platform.errors import Malformed, NotFound, Problem
from clustergenie.providers.driver import Order
from clustergenie.providers.errors import Throttled
from clustergenie.providers.simulated.journal import Vm
from clustergenie.providers.simulated.site import Site
from clustergenie.providers.simulated.weather import Weather

MOST_BODY = 1_000_000

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class NoSuchPlace(NotFound):
    """The simulated cloud has no such address."""


class Door:
    """The ASGI application over a site. It is for tests and demos: whoever reaches it may do anything."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, reply = 200, await self._answer(scope, await _body(receive))
        except Problem as problem:
            status, reply = problem.status, {"type": problem.type_name(), "detail": problem.detail}
            if isinstance(problem, Throttled):
                reply["retry_after"] = problem.retry_after
        except (msgspec.MsgspecError, ValueError) as error:
            status, reply = 400, {"type": "malformed", "detail": str(error)}
        content = msgspec.json.encode(reply)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, body: bytes) -> Any:
        words = [unquote(part) for part in scope["raw_path"].decode("ascii").split("/")[1:]]
        query = dict(parse_qsl(scope["query_string"].decode("ascii")))
        method: str = scope["method"]
        match (method, *words):
            case ("GET", "healthz"):
                return {"status": "ok", "machines": len(self._site.cloud.machines)}
            case ("GET", "catalog"):
                return await self._site.catalog()
            case (_, "machines"):
                return await self._machines(method, query, body)
            case (_, "machines", ref):
                return await self._machine(method, ref, query, body)
            case ("POST", "chaos", act):
                return self._mischief(act, msgspec.json.decode(body or b"{}", type=dict[str, Any]))
        raise NoSuchPlace(f"There is no {method} {scope['path'][:140]}.")

    async def _machines(self, method: str, query: dict[str, str], body: bytes) -> Any:
        if method == "POST":
            return _shown(await self._site.make(msgspec.json.decode(body, type=Order)))
        if method == "GET" and "installation" not in query:  # everybody's: for whoever runs this cloud
            return [_shown(vm) for vm in self._site.cloud.machines.values()]
        if method == "GET" and "tag" in query:
            return [_shown(vm) for vm in await self._site.tagged(query["installation"], query["tag"])]
        if method == "GET":
            return [_shown(vm) for vm in await self._site.list(query["installation"])]
        raise NoSuchPlace(f"Machines are not to be had by {method}.")

    async def _machine(self, method: str, ref: str, query: dict[str, str], body: bytes) -> Any:
        if method == "PUT":
            return _shown(await self._site.again(ref, msgspec.json.decode(body, type=Order)))
        installation = query.get("installation", "")
        if method == "GET":
            return _shown(await self._site.get(installation, ref))
        if method == "DELETE":
            return await self._site.destroy(installation, ref)
        raise NoSuchPlace(f"A machine is not to be had by {method}.")

    def _mischief(self, act: str, wish: dict[str, Any]) -> None:
        chaos = self._site.chaos
        acts: dict[str, Callable[[str], None]] = {
            "crash": chaos.crash,
            "vanish": chaos.vanish,
            "freeze": chaos.freeze,
            "thaw": chaos.thaw,
        }
        if act in acts:
            acts[act](str(wish.get("machine", "")))
        elif act == "lose-replies":
            chaos.lose_replies(int(wish.get("times", 1)))
        elif act == "weather":
            now = msgspec.to_builtins(chaos.weather)
            fresh = msgspec.convert({**now, **wish}, Weather)
            for name in Weather.__struct_fields__:
                setattr(chaos.weather, name, getattr(fresh, name))
        else:
            raise NoSuchPlace(f"There is no mischief {act[:40]!r}; there are {', '.join(acts)}, lose-replies, weather.")


def _shown(vm: Vm) -> Vm:
    """A machine without what only its agent knows."""
    return msgspec.structs.replace(vm, token="", credential="", nonce="")


async def _body(receive: Receive) -> bytes:
    parts = b""
    while True:
        message = await receive()
        parts += bytes(message.get("body", b""))
        if len(parts) > MOST_BODY:
            raise Malformed("The body is too long.")
        if not message.get("more_body"):
            return parts
