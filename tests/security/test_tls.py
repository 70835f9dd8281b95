"""HTTPS by the server itself: what it speaks, what it refuses, and that agents find it."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clustergenie.platform import config, tls
from clustergenie.platform.errors import CannotStart
from tests.live_server import PROGRAM, LiveServer, free_port
from tests.security.raw import status_of, until_closed
from tests.waiting import poll_until


def certificate(folder: Path, name: str = "site") -> tuple[Path, Path]:
    """A self-signed certificate for this machine, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


class SecureServer(LiveServer):
    """A control plane that speaks TLS."""

    cert: Path

    def get(self, path: str, *, most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> bytes:
        """The whole answer. Raises OSError."""
        context = ssl.create_default_context(cafile=str(self.cert))
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = most
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as link,
        ):
            link.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return until_closed(link)

    def is_ready(self) -> bool:
        return status_of(self.get("/readyz")) == 200


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Callable[..., SecureServer]]:
    started: list[SecureServer] = []

    def start(**environment: str) -> SecureServer:
        cert, key = certificate(tmp_path)
        files = {"CLUSTERGENIE_TLS_CERT": str(cert), "CLUSTERGENIE_TLS_KEY": str(key), "CLUSTERGENIE_TLS_CA": str(cert)}
        server = SecureServer(tmp_path / "data", free_port(), **files, **environment)
        server.cert = cert
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.cleanup()


def test_agents_enrol_over_tls_and_answers_ask_for_it_in_future(secure: Callable[..., SecureServer]) -> None:
    server = secure()
    answer = server.get("/api/v1/clusters")
    assert b"strict-transport-security: max-age=31536000" in answer
    body = b'{"name": "safe", "provider": "local"}'
    head = (
        b"POST /api/v1/droplets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )
    context = ssl.create_default_context(cafile=str(server.cert))
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert status_of(until_closed(link)) == 201
    poll_until(lambda: b'"status":"active"' in server.get("/api/v1/droplets"), 60)


def test_old_tls_and_plain_http_are_not_spoken(secure: Callable[..., SecureServer]) -> None:
    server = secure(CLUSTERGENIE_TLS_MIN_VERSION="1.3")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.get("/healthz", most=ssl.TLSVersion.TLSv1_2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status_of(until_closed(plain)) != 200
    assert status_of(server.get("/healthz")) == 200


@pytest.mark.parametrize(
    ("cert", "key", "sentence"),
    [
        ("missing.pem", "site.key", "cannot be read: No such file"),
        ("site.pem", "missing.key", "cannot be read: No such file"),
        ("site.pem", "", "belong together"),
        ("", "site.key", "belong together"),
        ("site.pem", "other.key", "cannot be used together"),
        ("noise.pem", "site.key", "cannot be used together"),
        ("noise.bin", "site.key", "it is not PEM"),
        ("site.pem", "locked.key", "cannot be used together"),
    ],
)
def test_files_that_cannot_be_used_are_said_at_the_start(tmp_path: Path, cert: str, key: str, sentence: str) -> None:
    certificate(tmp_path)
    certificate(tmp_path, "other")
    (tmp_path / "noise.pem").write_text("-----BEGIN NOISE-----\n")
    (tmp_path / "noise.bin").write_bytes(b"\xff\xfe\x00")
    made = ["openssl", "ec", "-in", str(tmp_path / "site.key"), "-aes128", "-passout", "pass:x"]
    subprocess.run([*made, "-out", str(tmp_path / "locked.key")], check=True, capture_output=True)
    given = {"tls_cert": str(tmp_path / cert) if cert else None, "tls_key": str(tmp_path / key) if key else None}
    with pytest.raises(CannotStart, match=sentence):
        tls.context(config.load(given, {}, tmp_path))


def test_the_program_itself_says_so_in_one_sentence(tmp_path: Path) -> None:
    flags = ["--data-dir", str(tmp_path / "data"), "--port", "0", "--tls-cert", "/none.pem", "--tls-key", "/none.key"]
    ended = subprocess.run([sys.executable, "-c", PROGRAM, "serve", *flags], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "--tls-cert names /none.pem, which cannot be read: No such file or directory." in ended.stderr
    assert "Traceback" not in ended.stderr
