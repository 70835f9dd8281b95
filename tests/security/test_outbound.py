"""Calls to where a user points: pinned to the address that was checked, bounded in time and size, redirects and all."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from clustergenie.platform.addresses import UnsafeUrl
from clustergenie.platform.outbound import NotAnswered, Outbound


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @functools.wraps(test)
    def runs(*args: Any, **more: Any) -> None:
        async def whole() -> None:
            async with asyncio.timeout(60):
                await test(*args, **more)

        asyncio.run(whole())

    return runs


Handle = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[int]:
    """A server that gives each request's head to `handle`; the port."""

    meetings: set[asyncio.Task[Any]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meetings.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await handle(await reader.readuntil(b"\r\n\r\n"), writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(met, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for meeting in meetings:
            meeting.cancel()
        await asyncio.gather(*meetings, return_exceptions=True)


def answering(text: str) -> Handle:
    async def handle(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        await writer.drain()

    return handle


async def to_here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@run
async def test_a_listed_host_is_called_at_the_address_that_was_checked_and_under_its_name() -> None:
    heads: list[bytes] = []
    asked: list[str] = []

    async def handle(head: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with serving(handle) as port:
        answer = await Outbound(["idp.internal"], resolve=resolve).get(f"http://idp.internal:{port}/a?b=c")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hi", "text/plain")
    assert asked == ["idp.internal"]
    assert heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert f"host: idp.internal:{port}".encode() in heads[0].lower()


@run
async def test_a_name_whose_address_changes_after_the_check_gains_nothing() -> None:
    """Rebinding: a second question would be answered with this machine's address, so none is asked."""
    answers = [["203.0.113.9"], ["127.0.0.1"]]

    async def resolve(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    async with serving(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        with pytest.raises(UnsafeUrl, match="not public"):
            await Outbound(resolve=resolve).get(f"https://rebinding.example.org:{port}/")
    assert len(answers) == 1


@pytest.mark.parametrize(
    "onward",
    [
        "https://169.254.169.254/latest/meta-data",
        "http://other.internal/",
        "https://127.0.0.1:1/",
        "//localhost/",
        "https://user:pw@idp.internal/",
        "file:///etc/passwd",
    ],
)
@run
async def test_a_redirect_is_checked_like_the_first_url(onward: str) -> None:
    text = f"HTTP/1.1 302 Found\r\nLocation: {onward}\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(text)) as port:
        outbound = Outbound(["idp.internal"], resolve=_resolver({"idp.internal": "127.0.0.1"}))
        with pytest.raises(UnsafeUrl):
            await outbound.get(f"http://idp.internal:{port}/")


def _resolver(known: dict[str, str]) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(host: str, _port: int) -> list[str]:
        return [known.get(host, host if host[0].isdigit() else "127.0.0.1")]

    return resolve


@run
async def test_a_redirect_to_another_host_takes_no_credentials_along_and_ends_somewhere() -> None:
    heads: list[bytes] = []

    async def handle(head: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        host = b"b.internal" if len(heads) == 1 else b"a.internal"
        to = b"http://%b:%d/" % (host, port)
        writer.write(b"HTTP/1.1 307 Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % to)

    async with serving(handle) as port:
        outbound = Outbound(["a.internal", "b.internal"], resolve=to_here)
        with pytest.raises(NotAnswered, match="redirects more than 3 times"):
            await outbound.get(f"http://a.internal:{port}/", Authorization="Bearer secret")
    assert b"secret" in heads[0]
    assert len(heads) == 4
    assert not any(b"secret" in head for head in heads[1:])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + "x" * 5_000, "more than 1000 bytes"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + "400\r\n" + "x" * 1_024 + "\r\n", "more than 1000"),
        ("HTTP/1.1 200 OK\r\n" + "X: " + "x" * 100_000, "cannot be called"),
        ("", "cannot be called"),
        ("nonsense\r\n\r\n", "cannot be called"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "cannot be called"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "cannot be called"),
    ],
)
@run
async def test_an_answer_that_is_too_long_or_none_is_a_sentence(text: str, why: str) -> None:
    async with serving(answering(text)) as port:
        outbound = Outbound(["idp.internal"], resolve=to_here)
        with pytest.raises(NotAnswered, match=why):
            await outbound.call("GET", f"http://idp.internal:{port}/", most_bytes=1_000)


@run
async def test_an_answer_that_comes_drop_by_drop_ends_with_the_time_for_all_of_it() -> None:
    async def handle(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(handle) as port:
        outbound = Outbound(["idp.internal"], resolve=to_here)
        with pytest.raises(NotAnswered, match=r"did not answer within 0\.5 s"):
            await outbound.call("GET", f"http://idp.internal:{port}/", seconds=0.5)


@run
async def test_a_host_that_is_not_there_is_a_sentence() -> None:
    async def nobody(_host: str, _port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(NotAnswered, match=r"The address of gone.example.org cannot be found: Name or service"):
        await Outbound(resolve=nobody).get("https://gone.example.org/")
    with pytest.raises(NotAnswered, match="cannot be called"):
        await Outbound(["idp.internal"], resolve=to_here).get("http://idp.internal:1/")
    with pytest.raises(UnsafeUrl):
        await Outbound().get("https://127.0.0.1/")
