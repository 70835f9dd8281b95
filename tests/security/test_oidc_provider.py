"""Log in at a certified OpenID provider: who gets in and as what, and what a thief of any part of it gains."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.live_server import LiveServer, free_port, live_server
from tests.security.certified import CLIENT, SECRET, Browser, Page, provider

BELOW = "/api/v1/auth/oidc"


class World(NamedTuple):
    """A server and the provider it trusts."""

    server: LiveServer
    issuer: str
    admin: dict[str, str]

    @property
    def callback(self) -> str:
        return f"{self.server.url}{BELOW}/callback"

    def login(self, browser: Browser, account: str = "ada", wanted: str = "/clusters") -> Page:
        """All the way to the callback, which the page leads to."""
        begun = browser.get(f"{self.server.url}{BELOW}/login?next={wanted}")
        assert begun.status == 302, begun.body
        assert begun.location is not None
        return browser.follow(f"{begun.location}&login_hint={account}", until=self.callback)

    def me(self, browser: Browser) -> Any:
        cookie = browser.cookies.get((urlsplit(self.server.url).netloc, "clustergenie_session"))
        headers = {"Cookie": f"clustergenie_session={cookie[0]}"} if cookie else {}
        return self.server.api.send("GET", "/auth/me", headers=headers).body


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("oidc")
    allowed = {"CLUSTERGENIE_OUTBOUND_ALLOW": "127.0.0.1"}
    with live_server(folder / "data", **allowed) as server:
        key = server.api.post("/auth/keys", {"name": "admin", "grants": [{"role": "admin"}]})["secret"]
        admin = {"Authorization": f"Bearer {key}"}
        with provider(free_port(), f"{server.url}{BELOW}/callback") as issuer:
            spec = {
                "issuer": issuer,
                "client_id": CLIENT,
                "client_secret": SECRET,
                "name": "Acme",
                "groups": [
                    {"group": "ops", "grants": [{"role": "operator"}]},
                    {"group": "everyone", "grants": [{"role": "viewer", "clusters": ["cluster-1"]}]},
                ],
            }
            reply = server.api.send("PUT", "/auth/oidc", spec, headers=admin)
            assert reply.status == 200, reply
            yield World(server, issuer, admin)


def test_who_logs_in_gets_the_roles_of_their_groups_and_the_page_they_wanted(world: World) -> None:
    browser = Browser()
    arrived = browser.get(str(world.login(browser, "ada").location))
    assert (arrived.status, arrived.location) == (303, "/clusters")
    assert any("HttpOnly" in line and "SameSite=Lax" in line for line in arrived.set_cookies)
    me = world.me(browser)["principal"]
    assert me["kind"] == "oidc"
    assert me["name"] == "ada of the tests"
    assert {"role": "operator", "clusters": None} in me["grants"]
    other = Browser()
    other.get(str(world.login(other, "bob").location))
    assert world.me(other)["principal"]["grants"] == [{"role": "viewer", "clusters": ["cluster-1"]}]
    assert world.server.api.send("GET", "/auth/me").body["oidc"] == {"enabled": True, "name": "Acme"}


def test_who_is_in_no_group_that_counts_is_told_so_and_gets_no_session(world: World) -> None:
    browser = Browser()
    back = world.login(browser, "eve")
    refused = browser.get(str(back.location))
    assert refused.status == 403
    assert b"none of their 1 groups has a role here" in refused.body
    assert world.me(browser)["principal"] is None
    page = browser.get(str(world.login(browser, "eve").location), Accept="text/html")
    assert (page.status, page.location) == (303, "/login?refused=oidc-no-role")


def test_a_code_is_good_once_and_only_in_the_browser_that_asked_for_it(world: World) -> None:
    browser, thief = Browser(), Browser()
    back = str(world.login(browser).location)
    assert thief.get(back).status == 401
    world.login(thief, "bob")
    assert thief.get(back).status == 401  # the thief's own login has another state
    assert world.me(thief)["principal"] is None
    kept = dict(browser.cookies)
    assert browser.get(back).status == 303
    browser.cookies.update(kept)  # even with everything that the browser had at the time
    replayed = browser.get(back)
    assert replayed.status == 401
    assert b"invalid_grant" in replayed.body


def test_another_browsers_code_cannot_be_slipped_into_a_login(world: World) -> None:
    """Login CSRF: the victim would work in the attacker's account."""
    attacker, victim = Browser(), Browser()
    code = parse_qs(urlsplit(str(world.login(attacker, "bob").location)).query)["code"][0]
    state = parse_qs(urlsplit(str(world.login(victim).location)).query)["state"][0]
    mixed = victim.get(f"{world.callback}?code={code}&state={state}&iss={world.issuer}")
    assert mixed.status == 401
    assert world.me(victim)["principal"] is None


@pytest.mark.parametrize("query", ["", "code=x", "state=x", "code=x&state=y", "error=access_denied", "code=a&code=b"])
def test_an_answer_that_nobody_asked_for_is_refused(world: World, query: str) -> None:
    assert Browser().get(f"{world.callback}?{query}").status == 401
    browser = Browser()
    world.login(browser)
    assert browser.get(f"{world.callback}?{query}").status == 401


def test_an_answer_of_another_issuer_is_refused(world: World) -> None:
    """Mix-up (RFC 9207): this provider says who it is, so an answer that does not, or says otherwise, is not its."""
    for changed in ("iss=https%3A%2F%2Fevil.example.org", ""):
        browser = Browser()
        back = urlsplit(str(world.login(browser).location))
        kept = [part for part in back.query.split("&") if not part.startswith("iss=")]
        assert len(kept) < len(back.query.split("&"))
        refused = browser.get(f"{world.callback}?{'&'.join([*kept, *([changed] if changed else [])])}")
        assert refused.status == 401
        assert b"issuer" in refused.body


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example.org/",
        "//evil.example.org",
        "/%5Cevil.example.org",
        "/%2Fevil.example.org",
        "%09//evil.example.org",
        "/%0d%0aSet-Cookie:%20a=b",
        "javascript:alert(1)",
        "evil",
    ],
)
def test_no_login_ends_on_another_site(world: World, wanted: str) -> None:
    browser = Browser()
    arrived = browser.get(str(world.login(browser, wanted=wanted).location))
    assert (arrived.status, arrived.location) == (303, "/")


def test_the_browser_is_asked_for_with_pkce_state_and_nonce_and_holds_nothing_readable(world: World) -> None:
    browser = Browser()
    begun = browser.get(f"{world.server.url}{BELOW}/login")
    query = parse_qs(urlsplit(str(begun.location)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert query["redirect_uri"] == [world.callback]
    cookie = begun.set_cookies[0]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/api/v1/auth/oidc/" in cookie
    assert query["state"][0] not in cookie
    assert query["nonce"][0] not in cookie


def test_the_secret_is_nowhere_to_be_read(world: World) -> None:
    shown = world.server.api.send("GET", "/auth/oidc", headers=world.admin)
    assert shown.body["oidc"]["has_secret"] is True
    assert shown.body["oidc"]["redirect_uri"] == world.callback
    trail = world.server.api.send("GET", "/audit?action=oidc", headers=world.admin)
    assert trail.body["entries"][0]["after"]["issuer"] == world.issuer
    database = (world.server.data_dir / "clustergenie.db").read_bytes()
    for place in (shown.body, trail.body, database, world.server.log_file.read_bytes()):
        assert SECRET.encode() not in (place if isinstance(place, bytes) else str(place).encode())


def test_logins_and_refusals_are_in_the_trail_but_a_flood_of_them_is_not(world: World) -> None:
    browser = Browser()
    browser.get(str(world.login(browser).location))
    logins = world.server.api.send("GET", "/audit?action=login&page_size=100", headers=world.admin).body["entries"]
    assert any(x["action"] == "login" and x["actor_name"] == "ada of the tests" for x in logins)
    for _ in range(60):
        Browser().get(world.callback)
    trail = world.server.api.send("GET", "/audit?action=login.refused&page_size=100", headers=world.admin).body
    assert 1 <= trail["total"] <= 30
    assert trail["entries"][0]["actor"] == "anonymous"
    assert trail["entries"][0]["address"] == "127.0.0.1"


def test_the_issuers_own_session_can_be_ended_too(world: World) -> None:
    gone = Browser().get(f"{world.server.url}{BELOW}/logout")
    assert gone.status == 302
    assert str(gone.location).startswith(f"{world.issuer}/session/end?client_id={CLIENT}")


def test_changing_the_settings_ends_what_they_let_in(world: World) -> None:
    browser = Browser()
    browser.get(str(world.login(browser).location))
    assert world.me(browser)["principal"] is not None
    spec = {"issuer": world.issuer, "client_id": CLIENT, "name": "Acme"}
    spec["groups"] = [{"group": "everyone", "grants": [{"role": "viewer"}]}]
    assert world.server.api.send("PUT", "/auth/oidc", spec, headers=world.admin).status == 200
    assert world.me(browser)["principal"] is None
    browser.get(str(world.login(browser).location))  # the secret was not said again, and stayed
    assert world.me(browser)["principal"]["grants"] == [{"role": "viewer", "clusters": None}]
    assert world.server.api.send("DELETE", "/auth/oidc", headers=world.admin).status == 200
    assert world.me(browser)["principal"] is None
    assert Browser().get(f"{world.server.url}{BELOW}/login").status == 404
