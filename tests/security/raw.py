"""Speak HTTP to a server by hand: what no client library would send, as slowly as wanted."""

import contextlib
import socket
import time
from collections.abc import Iterator


@contextlib.contextmanager
def dialled(port: int, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection; with a small `receive_buffer` the server's sends soon have nowhere to go."""
    with socket.socket() as link:
        if receive_buffer is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.settimeout(60)
        link.connect(("127.0.0.1", port))
        yield link


def until_closed(link: socket.socket) -> bytes:
    """Everything the server says before it hangs up."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while more := link.recv(65536):
            said += more
    return said


def ask(port: int, request: bytes) -> bytes:
    """The answer to one request that closes the connection."""
    with dialled(port) as link:
        link.sendall(request)
        return until_closed(link)


def trickle(link: socket.socket, piece: bytes, pause: float, seconds: float) -> bytes:
    """Send a piece again and again until the server hangs up; says what it said. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    link.settimeout(pause)
    said = b""
    while time.monotonic() < deadline:
        try:
            link.sendall(piece)
            more = link.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not more:
            return said
        said += more
    raise AssertionError(f"The server still listens after {seconds:g} s; it said {said!r}.")


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 when there is none."""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0
