"""What one connection may cost: heads of a bounded size, and clients that keep the server waiting are let go."""

import socket

import pytest

from tests.live_server import LiveServer
from tests.security.raw import ask, dialled, status_of, trickle, until_closed
from tests.waiting import poll_until

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n\r\n"


def refusals(server: LiveServer, reason: str) -> float:
    """What the metric says of a reason."""
    wanted = f'clustergenie_refusals_total{{reason="{reason}"}} '
    lines = [line for line in server.api.get("//metrics").splitlines() if line.startswith(wanted)]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"X-Much: " + b"a" * 40_000 + b"\r\n" + CLOSE, 431),
        (GET + b"X-Endless: " + b"a" * 300_000, 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(120)) + CLOSE, 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + CLOSE, 414),
        (b"GET /" + b"a" * 300_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS on a port that speaks none
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n\tfolded\x00\r\n\r\n", 400),
        (
            b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (GET + b"X-Much: " + b"a" * 20_000 + b"\r\n" + CLOSE, 200),
    ],
)
def test_a_head_that_is_too_large_or_no_http_is_refused_with_a_problem(
    server: LiveServer, request_: bytes, status: int
) -> None:
    answer = ask(server.port, request_)
    assert status_of(answer) == status, answer[:300]
    if status != 200:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"application/problem+json" in head
        assert b"connection: close" in head
        assert b"nosniff" in head
        assert b'"detail":' in body


def test_headers_without_end_after_a_chunked_body_are_cut_off(server: LiveServer) -> None:
    head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with dialled(server.port) as link:
        link.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        trickle(link, b"a: b\r\n" * 50, 0.05, 20)


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b""),  # connects and says nothing
        (b"GET /healthz HTTP/1.1\r\n", b"X-Slow: 1\r\n"),
        (b"", b"\r\n"),  # empty lines before a request are allowed, but not for ever
        (GET + b"\r\n", b"\r\n"),  # the same after an answer, where the wait for a next request was cut short
    ],
)
def test_a_head_that_does_not_come_to_an_end_is_let_go(server: LiveServer, first: bytes, piece: bytes) -> None:
    before = refusals(server, "slow-head")
    with dialled(server.port) as link:
        link.sendall(first)
        answer = trickle(link, piece, 0.1, 30)
    assert b" 408 " in answer
    assert refusals(server, "slow-head") == before + 1


def test_a_body_that_does_not_come_to_an_end_is_let_go(server: LiveServer) -> None:
    before = refusals(server, "slow-body")
    head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with dialled(server.port) as link:
        link.sendall(head + b"Content-Length: 999\r\n\r\n")
        trickle(link, b" ", 0.2, 30)
    assert refusals(server, "slow-body") == before + 1


def test_a_reader_that_takes_nothing_of_what_it_asked_for_is_let_go(server: LiveServer) -> None:
    before = refusals(server, "slow-reader")
    with dialled(server.port, receive_buffer=2048) as link:
        link.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 60)
        poll_until(lambda: refusals(server, "slow-reader") == before + 1)
        until_closed(link)


def test_a_patient_client_that_only_thinks_between_requests_is_not_hurried(server: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        for _ in range(3):
            link.sendall(GET + b"\r\n")
            said = b""
            while not said.endswith(b"}"):
                said += link.recv(65536)
            assert status_of(said) == 200
        link.sendall(GET[:10])
        link.sendall(GET[10:] + CLOSE)
        assert status_of(until_closed(link)) == 200


def test_a_stream_outlives_every_patience(server: LiveServer) -> None:
    """Longer than a head, a body or a reader may take: the client has nothing to send, and takes what there is."""
    refused = sum(refusals(server, kind) for kind in ("slow-head", "slow-body", "slow-reader"))
    with dialled(server.port) as link:
        link.sendall(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert status_of(link.recv(65536)) == 200
        # Another client loses all of its time for a body meanwhile: so much time has passed.
        test_a_body_that_does_not_come_to_an_end_is_let_go(server)
        job = server.api.post("/jobs", {"type": "noop"})["job"]["id"].encode()
        said = b""
        while job not in said:
            more = link.recv(65536)
            assert more, said
            said += more
    assert sum(refusals(server, kind) for kind in ("slow-head", "slow-body", "slow-reader")) == refused + 1
