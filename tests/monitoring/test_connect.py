"""A probe says in words what happened at the other end."""

import asyncio

import pytest

from clustergenie.monitoring import connect
from clustergenie.monitoring.connect import Answer
from tests.monitoring.fleets import answering, hanging


async def _asked(reply: bytes) -> Answer:
    async with answering(reply) as port:
        return await connect.http("127.0.0.1", port, "/healthz", 5)


@pytest.mark.parametrize("status", [b"200 OK", b"204 No Content", b"301 Moved"])
def test_two_and_three_hundreds_are_fine(status: bytes) -> None:
    answer = asyncio.run(_asked(b"HTTP/1.1 " + status + b"\r\n\r\n"))
    assert answer.ok
    assert answer.detail == f"answers {status.decode()}"
    assert answer.latency_ms is not None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "answers 503 Service Unavailable"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "answers 404 Not Found"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "answers something that is not HTTP"),
        (b"\xff" * 9000, "answers something that is not HTTP"),
        (b"HTTP/1.1 99999999999999999999 x\r\n", "answers 99999999999999999999 x"),
        (b"\r\n", "answers something that is not HTTP"),
        (b"", "closes the connection without an answer"),
    ],
)
def test_an_answer_that_is_not_good_is_told_from_none(reply: bytes, words: str) -> None:
    answer = asyncio.run(_asked(reply))
    assert answer.verdict == "wrong"
    assert answer.detail == words


def test_a_port_nobody_listens_on_refuses(free_port: int) -> None:
    for probe in (connect.tcp("127.0.0.1", free_port), connect.http("127.0.0.1", free_port, "/")):
        assert asyncio.run(probe)[:2] == ("refused", "refuses connections")


def test_a_stopped_process_accepts_and_does_not_answer() -> None:
    with hanging() as port:
        assert asyncio.run(connect.tcp("127.0.0.1", port)).ok
        answer = asyncio.run(connect.http("127.0.0.1", port, "/healthz", 0.1))
    assert answer.verdict == "hung"
    assert answer.detail == "accepts connections but does not answer (stopped or hung)"
    assert answer.latency_ms is None


def test_an_address_that_is_none_is_unreachable_and_not_a_crash() -> None:
    answer = asyncio.run(connect.tcp("127.0.0.1", 0))
    assert answer.verdict in ("refused", "unreachable")
