"""Who may ask under which name: rebinding, other origins, and the headers that every answer carries."""

import pytest

from clustergenie.platform.http import host_of, is_loopback_host
from tests.live_server import LiveServer
from tests.security.conftest import ORIGIN
from tests.security.raw import ask, status_of

CLOSE = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "app.localhost:1",
        "127.0.0.1",
        "127.8.9.10:80",
        "[::1]:8080",
        "genie.example.org",
        "Genie.Example.Org:443",
        "a.fleet.example.org",
    ],
)
def test_a_name_of_ours_is_answered(server: LiveServer, host: str) -> None:
    assert server.api.send("GET", "//healthz", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.org",
        "127.0.0.1.evil.example.org",
        "localhost.evil.example.org",
        "evil.example.org:8080",
        "fleet.example.org",
        "notfleet.example.org",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - asked for, not bound
        "127.0.0.1@evil.example.org",
        "evil.example.org#127.0.0.1",
        "127.0.0.1/..",
        "127.0.0.1:port",
        "2130706433",
        "0x7f.1",
        "[::ffff:7f00:1",
        "",
        "x" * 3_000,
        "\u0661\u0662\u0667.0.0.1".encode().decode("latin-1"),
    ],
)
@pytest.mark.parametrize("path", ["//healthz", "/clusters", "//", "//openapi.json"])
def test_a_name_that_is_not_ours_is_refused_whatever_is_asked(server: LiveServer, host: str, path: str) -> None:
    reply = server.api.send("GET", path, headers={"Host": host})
    assert reply.status == 421, reply
    assert reply.body["type"].endswith("/unknown-host")
    assert "CLUSTERGENIE_ALLOWED_HOSTS" in reply.body["detail"]
    assert "clusters" not in reply.body


def test_no_host_and_two_hosts_are_refused(server: LiveServer) -> None:
    assert status_of(ask(server.port, b"GET /healthz HTTP/1.1\r\n" + CLOSE)) == 400
    two = b"Host: 127.0.0.1\r\nHost: evil.example.org\r\n"
    assert status_of(ask(server.port, b"GET /healthz HTTP/1.1\r\n" + two + CLOSE)) == 400


@pytest.mark.parametrize(("header", "host"), [("[::1]:80", "::1"), ("A.b:1", "a.b"), ("a@b", None), ("a/b", None)])
def test_a_host_header_is_read_as_the_rfc_says(header: str, host: str | None) -> None:
    assert host_of(header) == host


def test_only_this_machines_names_are_loopback() -> None:
    assert all(map(is_loopback_host, ("localhost", "x.localhost", "127.0.0.1", "127.255.0.1", "::1")))
    assert not any(map(is_loopback_host, ("", "localhost.org", "127.0.0.1.org", "0", "10.0.0.1", "::")))


@pytest.mark.parametrize(
    "path",
    ["//", "//docs", "//docs/docs.js", "//openapi.json", "//healthz", "//metrics", "/clusters", "/nothing", "//x.png"],
)
def test_every_answer_carries_the_security_headers(server: LiveServer, path: str) -> None:
    headers = server.api.send("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "server" not in headers  # what we are and in which version is nobody's business before they ask


@pytest.mark.parametrize("path", ["/clusters", "/jobs", "/clusters/none", "//metrics", "//readyz"])
def test_data_is_kept_by_no_cache(server: LiveServer, path: str) -> None:
    assert server.api.send("GET", path).headers["cache-control"] == "no-store"


def test_a_named_origin_may_call_and_reads_what_it_needs(server: LiveServer) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    preflight = server.api.send("OPTIONS", "/jobs", headers=asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    reply = server.api.send("GET", "/jobs", headers={"Origin": ORIGIN})
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert reply.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://app.example.org", f"{ORIGIN}.evil.org"])
def test_no_other_origin_is_let_in(server: LiveServer, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        reply = server.api.send(method, "/jobs", headers=asked)
        assert not [name for name in reply.headers if name.startswith("access-control")], reply


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%252e%252e/%252e%252e/etc/passwd",
        "/assets/..%5c..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/docs/..%2fdocs.py",
        "/docs/../docs.py",
        "/a%00.png",
        "/assets/%00",
        "/" + "a/" * 2_000,
        "/" + "a" * 5_000 + ".js",
        "/%ff%fe.png",
        "/secret.key",
        "/index.html.br",
    ],
)
def test_no_path_leads_out_of_the_console(server: LiveServer, path: str) -> None:
    answer = ask(server.port, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + CLOSE)
    assert status_of(answer) in (200, 400, 404), answer[:300]
    assert b"root:" not in answer
    assert b'"""' not in answer
    if status_of(answer) == 200:
        assert b"<html" in answer  # a page of the console, whose script will not know the path


INJECTED = b"%0d%0aSet-Cookie:%20owned=1"


@pytest.mark.parametrize(
    "line",
    [
        b"GET /api/v1/clusters/" + INJECTED,
        b"GET /api/v1/clusters?" + INJECTED + b"=1",
        b"GET /" + INJECTED,
        b"DELETE /api/v1/clusters?q=" + INJECTED,
    ],
)
@pytest.mark.parametrize(
    "more", [b"", b"X-Request-ID: evil\rb\r\n", b"X-Request-ID: evil b\r\n", b"Idempotency-Key: a\x01\r\n"]
)
def test_nothing_of_a_request_becomes_a_header_of_the_answer(server: LiveServer, line: bytes, more: bytes) -> None:
    answer = ask(server.port, line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + CLOSE)
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert status_of(answer) in (200, 400, 404, 405, 422), answer[:300]
    assert b"set-cookie" not in head
    assert b"x-request-id: evil" not in head
