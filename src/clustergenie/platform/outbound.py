"""Call a URL that a user gave: never anything internal, never two addresses for one name, never without an end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urljoin

import h11

from clustergenie.platform.addresses import Address, Allowed, Target, UnsafeUrl, check_all, target
from clustergenie.platform.errors import NotAnswered
from clustergenie.platform.telemetry import refusals

SECONDS = 10.0
MOST_BYTES = 1_000_000
REDIRECTS = 3

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_PRIVATE = ("authorization", "cookie", "proxy-authorization")


class Answer(NamedTuple):
    """What came back."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


class Outbound:
    """Calls what users name. `allow` lists internal hosts that may be called (names, addresses, networks)."""

    def __init__(self, allow: Iterable[str] = (), *, resolve: Resolve | None = None) -> None:
        self._allowed = Allowed(allow)
        self._resolve = resolve or _resolve
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str, **headers: str) -> Answer:
        """GET, following redirects. Raises UnsafeUrl or NotAnswered."""
        return await self.call("GET", url, headers=headers)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """One answer within `seconds`, redirects and all. A request with a body is not sent on anywhere else.

        Raises UnsafeUrl for a URL, a name or a redirect that leads where nobody may send us; NotAnswered for the rest.
        """
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        try:
            async with asyncio.timeout(seconds):
                for _ in range(REDIRECTS + 1):
                    answer = await self._once(method, url, sent, body, most_bytes)
                    onward = answer.headers.get("location") if answer.status in (301, 302, 303, 307, 308) else None
                    if onward is None or body:
                        return answer
                    url = self._follow(url, onward, sent)
        except TimeoutError as error:
            raise NotAnswered(f"{_origin(url)} did not answer within {seconds:g} s.") from error
        except UnsafeUrl:
            refusals.labels("outbound").inc()
            raise
        raise NotAnswered(f"{_origin(url)} redirects more than {REDIRECTS} times.")

    def check(self, url: str) -> str:
        """The URL, as far as that can be told without asking for its address. Raises UnsafeUrl."""
        target(url, self._allowed)
        return url

    def _follow(self, url: str, onward: str, sent: dict[str, str]) -> str:
        following = urljoin(url, onward)
        if target(following, self._allowed).origin != target(url, self._allowed).origin:
            for name in _PRIVATE:
                sent.pop(name, None)
        return following

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes, most_bytes: int) -> Answer:
        goal = target(url, self._allowed)
        addresses = check_all(goal.host, await self._found(goal), self._allowed)
        fields = {**headers, "host": goal.authority, "accept-encoding": "identity", "connection": "close"}
        if body:
            fields["content-length"] = str(len(body))
        try:
            async with self._connected(goal, addresses) as (reader, writer):
                talk = h11.Connection(h11.CLIENT)
                for event in (
                    h11.Request(method=method, target=goal.path, headers=list(fields.items())),
                    *([h11.Data(data=body)] if body else []),
                    h11.EndOfMessage(),
                ):
                    writer.write(talk.send(event) or b"")
                await writer.drain()
                status, received, content = await _receive(talk, reader, goal, most_bytes)
        except (OSError, h11.ProtocolError) as error:
            raise NotAnswered(f"{goal.origin} cannot be called: {_words(error)}.") from error
        return Answer(url, status, received, content)

    async def _found(self, goal: Target) -> Sequence[str]:
        try:
            found = await self._resolve(goal.host, goal.port)
        except (OSError, UnicodeError) as error:
            raise NotAnswered(f"The address of {goal.host} cannot be found: {_words(error)}.") from error
        if not found:
            raise NotAnswered(f"{goal.host} has no address.")
        return found

    @contextlib.asynccontextmanager
    async def _connected(
        self, goal: Target, addresses: Sequence[Address]
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connected to one of the addresses that were checked: the name is not asked for again."""
        if goal.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        tls = {"ssl": self._tls, "server_hostname": goal.host} if goal.scheme == "https" else {}
        for place, address in enumerate(addresses, 1):
            try:
                reader, writer = await asyncio.open_connection(str(address), goal.port, limit=65_536, **tls)  # type: ignore[arg-type]
                break
            except OSError:
                if place == len(addresses):
                    raise
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def _receive(
    talk: h11.Connection, reader: asyncio.StreamReader, goal: Target, most_bytes: int
) -> tuple[int, dict[str, str], bytes]:
    content = bytearray()
    response: h11.Response | None = None
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            content += event.data
            if len(content) > most_bytes:
                raise NotAnswered(f"{goal.origin} answers with more than {most_bytes} bytes.")
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
            return response.status_code, fields, bytes(content)
        elif isinstance(event, h11.ConnectionClosed):
            raise NotAnswered(f"{goal.origin} hung up without an answer.")


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message})"
    return str(getattr(error, "strerror", None) or error).rstrip(".")
