"""A browser cannot be made to act: sessions, CSRF, fixation, foreign pages, and this machine's own trust."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.auth.access import Access, Answer, call, setup_token
from tests.live_server import LiveServer, free_port
from tests.waiting import poll_until

JOB = {"type": "noop"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - that others could reach it is what is tested


class Browser:
    """Keeps the cookie it was last given, as a browser does, and sends what it is told to send."""

    def __init__(self, access: Access, **headers: str) -> None:
        self.access, self.headers = access, headers
        self.cookie = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            sent["Cookie"] = self.cookie
        answer = self.access.call(method, path, body=body, headers=sent)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def login(self, key: str) -> "Browser":
        answer = self.call("POST", "/auth/login", {"key": key})
        assert answer.status == 200, answer.body
        return self

    def token(self) -> str:
        return str(self.call("GET", "/auth/me").json()["csrf_token"])


@pytest.fixture
def browser(access: Access) -> Browser:
    return Browser(access).login(access.admin)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(access: Access) -> None:
    answer = access.call("POST", "/auth/login", body={"key": access.admin})
    words = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(words)
    assert "Secure" not in words
    assert answer.headers["cache-control"] == "no-store"
    there = f"127.0.0.1:{access.port}"
    secure = access.call("POST", "/auth/login", body={"key": access.admin}, headers={"Origin": f"https://{there}"})
    assert "Secure" in secure.headers["set-cookie"].split("; ")


def test_reading_needs_the_cookie_and_changing_needs_the_token_too(browser: Browser) -> None:
    assert browser.call("GET", "/jobs").status == 200
    refused = browser.call("POST", "/jobs", JOB)
    assert (refused.status, refused.json()["type"].rsplit("/")[-1]) == (403, "csrf-token-missing")
    assert browser.call("POST", "/jobs", JOB, X_CSRF_Token="0" * 64).status == 403
    assert browser.call("POST", "/jobs", JOB, X_CSRF_Token=browser.token()).status == 201


def test_the_token_of_another_session_is_none(access: Access, browser: Browser) -> None:
    other = Browser(access).login(access.admin)
    assert browser.call("POST", "/jobs", JOB, X_CSRF_Token=other.token()).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_page_of_another_site_changes_nothing_whatever_it_knows(
    access: Access, browser: Browser, headers: dict[str, str]
) -> None:
    refused = browser.call("POST", "/jobs", JOB, X_CSRF_Token=browser.token(), **headers)
    assert (refused.status, refused.json()["type"].rsplit("/")[-1]) == (403, "foreign-origin")
    # Nor does it log anybody in as somebody else, or out.
    assert Browser(access).call("POST", "/auth/login", {"key": access.admin}, **headers).status == 403
    assert browser.call("POST", "/auth/logout", **headers).status == 403


def test_a_session_that_was_planted_is_not_the_one_that_is_logged_in(access: Access) -> None:
    mallory = Browser(access).login(access.new_key("viewer")[1])
    planted = mallory.cookie
    victim = Browser(access)
    victim.cookie = planted
    victim.login(access.admin)
    assert victim.cookie != planted
    assert victim.call("GET", "/auth/keys").status == 200
    assert mallory.call("GET", "/jobs").status == 401  # the planted one ended
    made_up = Browser(access)
    made_up.cookie = "clustergenie_session=cgs_" + "A" * 43
    made_up.login(access.admin)
    assert "A" * 43 not in made_up.cookie


def test_logging_out_ends_the_session_and_takes_the_cookie_away(browser: Browser) -> None:
    kept = browser.cookie
    answer = browser.call("POST", "/auth/logout")
    assert answer.status == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    browser.cookie = kept
    assert browser.call("GET", "/jobs").status == 401


def test_a_session_ends_with_its_key(access: Access) -> None:
    for method, path in (("DELETE", "/auth/keys/{}"), ("POST", "/auth/keys/{}/rotate")):
        key_id, secret = access.new_key("operator")
        browser = Browser(access).login(secret)
        assert browser.call("GET", "/jobs").status == 200
        access.do(method, path.format(key_id))
        assert browser.call("GET", "/jobs").status == 401
        assert access.call("GET", "/jobs", key=secret).status == 401


def test_who_has_a_session_ends_their_own_and_no_other(access: Access, browser: Browser) -> None:
    viewer = Browser(access).login(access.new_key("viewer")[1])
    (own,) = viewer.call("GET", "/auth/sessions").json()["sessions"]
    assert own["current"]
    foreign = next(one for one in browser.call("GET", "/auth/sessions").json()["sessions"] if one["current"])
    token = viewer.token()
    assert viewer.call("DELETE", f"/auth/sessions/{foreign['id']}", X_CSRF_Token=token).status == 404
    assert viewer.call("DELETE", f"/auth/sessions/{own['id']}", X_CSRF_Token=token).status == 200
    assert viewer.call("GET", "/jobs").status == 401


def test_an_open_stream_ends_when_its_key_is_revoked(access: Access) -> None:
    key_id, secret = access.new_key("viewer")
    connection = http.client.HTTPConnection("127.0.0.1", access.port, timeout=60)
    try:
        connection.request("GET", "/api/v1/events/stream", headers={"Authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        assert answer.status == 200
        access.do("DELETE", f"/auth/keys/{key_id}")
        access.do("POST", "/jobs", JOB)
        assert b"job_requested" not in answer.read()  # ends, rather than time out
    finally:
        connection.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that nobody has set up."""
    server = LiveServer(tmp_path_factory.mktemp("new") / "data", free_port(), CLUSTERGENIE_PROVIDERS="simulated",
                        CLUSTERGENIE_DEFAULT_PROVIDER="simulated")  # fmt: skip
    try:
        yield server.start()
    finally:
        server.cleanup()


def test_without_a_key_this_machine_is_trusted(untouched: LiveServer) -> None:
    me = call(untouched.port, "GET", "/api/v1/auth/me").json()
    assert (me["principal"]["kind"], me["setup_needed"], me["loopback"]) == ("loopback", True, True)
    assert call(untouched.port, "POST", "/api/v1/jobs", body=JOB).status == 201
    own = {"Origin": f"http://localhost:{untouched.port}", "Host": f"localhost:{untouched.port}"}
    assert call(untouched.port, "POST", "/api/v1/jobs", body=JOB, headers=own).status == 201
    assert call(untouched.port, "GET", "/api/v1/jobs", headers={"Sec-Fetch-Site": "same-origin"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
    ],
)
def test_but_not_a_foreign_page_a_proxy_or_a_credential_that_is_wrong(
    untouched: LiveServer, headers: dict[str, str]
) -> None:
    for method, body in (("GET", None), ("POST", JOB)):
        answer = call(untouched.port, method, "/api/v1/jobs", body=body, headers=headers)
        assert answer.status in (401, 421), answer.body  # 421: the host is not even ours


def test_the_setup_link_works_once_and_ends_the_trust(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", free_port(), CLUSTERGENIE_PROVIDERS="simulated",
                        CLUSTERGENIE_DEFAULT_PROVIDER="simulated")  # fmt: skip
    try:
        server.start()
        token = setup_token(server)
        body = {"token": token, "name": "ada"}
        first = call(server.port, "POST", "/api/v1/auth/setup", body=body)
        assert first.status == 201
        assert first.json()["key"]["grants"] == [{"role": "admin", "clusters": None}]
        assert call(server.port, "POST", "/api/v1/auth/setup", body=body).status == 401
        assert call(server.port, "GET", "/api/v1/jobs").status == 401
        me = call(server.port, "GET", "/api/v1/auth/me").json()
        assert (me["principal"], me["setup_needed"]) == (None, False)
        server.terminate()
        links = server.log_file.read_text().count("/setup#token=")
        server.start()
        assert server.log_file.read_text().count("/setup#token=") == links  # it is set up: no link any more
        assert call(server.port, "GET", "/api/v1/jobs", key=first.json()["secret"]).status == 200
        assert json.dumps(server.lines()).count(token) == 0
    finally:
        server.cleanup()


def test_on_an_address_of_others_nobody_is_trusted(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", free_port(), CLUSTERGENIE_PROVIDERS="simulated",
                        CLUSTERGENIE_DEFAULT_PROVIDER="simulated", CLUSTERGENIE_HOST=EVERYWHERE)  # fmt: skip
    try:
        server.start()
        assert call(server.port, "GET", "/api/v1/jobs").status == 401
        answer = call(server.port, "POST", "/api/v1/auth/setup", body={"token": setup_token(server)})
        assert answer.status == 201
        assert call(server.port, "GET", "/api/v1/jobs", key=answer.json()["secret"]).status == 200
    finally:
        server.cleanup()


def test_without_auth_it_does_not_start_there(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", free_port(), CLUSTERGENIE_HOST=EVERYWHERE, CLUSTERGENIE_AUTH="off")
    try:
        server.spawn()
        poll_until(lambda: "without authentication the server answers on loopback" in server.log_file.read_text())
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    finally:
        server.cleanup()
