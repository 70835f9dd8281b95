"""Tokens that are not what they should be: each lets nobody in, and says why."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from clustergenie.auth.models import GrantSpec
from clustergenie.auth.oidc_models import GroupGrants
from clustergenie.auth.oidc_plan import grants_for, groups_in, safe_next, subject_for
from tests.live_server import LiveServer, live_server
from tests.security.certified import Browser, Page
from tests.security.liars import In, Liar, by, lying, nonce_of, signed_with_secret, unsigned

BELOW = "/api/v1/auth/oidc"
OPS = [{"group": "ops", "grants": [{"role": "operator"}]}]


class World(NamedTuple):
    """A server and the issuer it trusts, wrongly."""

    server: LiveServer
    liar: Liar
    admin: dict[str, str]

    def arrive(self) -> Page:
        """A whole login; the answer of the callback."""
        browser = Browser()
        begun = str(browser.get(f"{self.server.url}{BELOW}/login").location)
        self.liar.nonce = nonce_of(begun)
        state = parse_qs(urlsplit(begun).query)["state"][0]
        return browser.get(f"{self.server.url}{BELOW}/callback?code=good&state={state}")

    def put(self, **changed: Any) -> Any:
        spec = {"issuer": self.liar.url, "client_id": "us", "client_secret": "s", "groups": OPS, **changed}
        return self.server.api.send("PUT", "/auth/oidc", spec, headers=self.admin)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("liars")
    with live_server(folder / "data", CLUSTERGENIE_OUTBOUND_ALLOW="127.0.0.1") as server, lying() as liar:
        key = server.api.post("/auth/keys", {"name": "admin", "grants": [{"role": "admin"}]})["secret"]
        world = World(server, liar, {"Authorization": f"Bearer {key}"})
        assert world.put().status == 200
        yield world


@pytest.fixture
def world(trusted: World) -> World:
    trusted.liar.reset()
    return trusted


def test_a_token_in_order_lets_in(world: World) -> None:
    assert world.arrive().status == 303


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example.org"}, b"another issuer"),
        ({"iss": None}, b"another issuer"),
        ({"aud": "somebody else"}, b"somebody else"),
        ({"aud": None}, b"somebody else"),
        ({"aud": ["us", "somebody else"]}, b"somebody else"),
        ({"azp": "somebody else"}, b"somebody else"),
        ({"aud": ["somebody else"], "azp": "us"}, b"somebody else"),
        ({"nonce": "another"}, b"another login"),
        ({"nonce": None}, b"another login"),
        ({"exp": In(-120)}, b"expired"),
        ({"exp": None}, b"expired"),
        ({"exp": "tomorrow"}, b"expired"),
        ({"iat": In(3_600), "exp": In(7_200)}, b"future"),
        ({"nbf": In(3_600)}, b"future"),
        ({"iat": In(-7_200)}, b"too long ago"),
        ({"iat": None}, b"future"),
        ({"sub": ""}, b"nobody"),
        ({"sub": None}, b"nobody"),
        ({"sub": 7}, b"nobody"),
        ({"sub": "a\nb"}, b"nobody"),
        ({"sub": "x" * 300}, b"nobody"),
    ],
)
def test_a_token_that_says_something_wrong_lets_nobody_in(world: World, claims: dict[str, Any], why: bytes) -> None:
    world.liar.claims = claims
    refused = world.arrive()
    assert refused.status == 401
    assert why in refused.body, refused.body
    assert not [line for line in refused.set_cookies if line.startswith("clustergenie_session=cgs")]


@pytest.mark.parametrize(
    "claims", [{"exp": In(-20)}, {"iat": In(45)}, {"aud": ["us"]}, {"aud": ["us", "b"], "azp": "us"}]
)
def test_a_minute_of_skew_and_several_audiences_are_fine(world: World, claims: dict[str, Any]) -> None:
    world.liar.claims = claims
    assert world.arrive().status == 303


def test_a_token_that_is_not_signed_by_the_issuer_lets_nobody_in(world: World) -> None:
    liar, other = world.liar, RSAKey.generate_key(2048, {"kid": "first"})
    public = liar.key.as_pem(private=False)

    def by_secret(header: dict[str, Any], payload: bytes) -> str:
        return signed_with_secret(header, payload, public)

    def cut(header: dict[str, Any], payload: bytes) -> str:
        return liar.signed(header, payload)[:-8]

    for header, token in (
        ({"alg": "none"}, unsigned),
        ({"alg": "None"}, unsigned),
        ({"alg": "RS256", "kid": "first"}, unsigned),
        ({"alg": "HS256"}, by_secret),  # signed with the public key, as if that were a secret
        ({"alg": "HS256", "kid": "first"}, by_secret),
        ({"alg": "RS256", "kid": "first"}, by(other)),
        ({"alg": "RS256", "kid": "first", "jwk": other.as_dict(private=False)}, by(other)),
        ({"alg": "RS256", "kid": "unknown"}, by(other)),
        ({"alg": "RS256"}, by(other)),
        ({"alg": "ES256", "kid": "first"}, by(ECKey.generate_key("P-256"))),
        ({"alg": "RS256", "kid": "first"}, cut),
        ({"alg": "RS256"}, lambda _header, _payload: "not.a.token"),
        ({"alg": "RS256"}, lambda _header, _payload: "nothing"),
    ):
        liar.header, liar.token = header, token
        refused = world.arrive()
        assert refused.status == 401, (header, refused.body)
        assert b"Log in again" in refused.body


def test_the_issuer_may_change_its_keys(world: World) -> None:
    new = RSAKey.generate_key(2048, {"kid": "second"})
    assert world.arrive().status == 303
    world.liar.published = [world.liar.key, new]
    world.liar.header, world.liar.token = {"alg": "RS256", "kid": "second"}, by(new)
    looked = world.liar.asked.count("/jwks")
    deadline = time.monotonic() + 30
    while world.arrive().status != 303:  # an unknown key has them asked for again, but not all the time
        assert time.monotonic() < deadline
    assert 1 <= world.liar.asked.count("/jwks") - looked <= 4


def test_what_is_told_besides_must_be_about_the_same_person(world: World) -> None:
    world.liar.claims = {"groups": None}
    world.liar.userinfo = {"sub": "bob", "groups": ["ops"]}
    assert b"somebody else" in world.arrive().body
    world.liar.userinfo = {"sub": "ada", "groups": ["ops"], "name": "Ada"}
    assert world.arrive().status == 303
    world.liar.userinfo = {"sub": "ada", "groups": []}
    assert world.arrive().status == 403


@pytest.mark.parametrize(
    "issuer",
    [
        "https://169.254.169.254/latest",
        "https://10.0.0.1",
        "http://idp.internal",
        "https://user:secret@idp.example.org",
        "ftp://idp.example.org",
        "https://2130706433/",
    ],
)
def test_an_issuer_that_nobody_may_send_us_to_is_a_422(world: World, issuer: str) -> None:
    refused = world.put(issuer=issuer)
    assert refused.status == 422, refused
    assert "secret@" not in str(refused.body)


@pytest.mark.parametrize(
    ("discovery", "status"),
    [
        ({"issuer": "https://evil.example.org"}, 502),
        ({"code_challenge_methods_supported": ["plain"]}, 502),
        ({"token_endpoint": "http://169.254.169.254/token"}, 422),
        ({"jwks_uri": "file:///etc/passwd"}, 422),
        ({"authorization_endpoint": "javascript:alert(1)"}, 422),
        ({"token_endpoint": None}, 502),
    ],
)
def test_an_issuer_that_says_wrong_things_of_itself_is_not_taken(world: World, discovery: Any, status: int) -> None:
    with lying() as other:
        other.discovery = discovery
        refused = world.put(issuer=other.url)
    assert refused.status == status, refused
    assert refused.body["detail"].endswith(".")


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "nonsense"},
        {"client_id": ""},
        {"client_id": "a\r\nb"},
        {"groups": [{"group": "ops", "grants": [{"role": "king"}]}]},
        {"groups": [{"group": "ops", "grants": []}]},
        {"surprise": 1},
    ],
)
def test_settings_that_make_no_sense_are_a_422(world: World, changed: dict[str, Any]) -> None:
    assert world.put(**changed).status == 422


def test_a_secret_does_not_go_along_to_another_issuer(world: World) -> None:
    with lying() as other:
        spec = {"issuer": other.url, "client_id": "us", "groups": OPS}
        reply = world.server.api.send("PUT", "/auth/oidc", spec, headers=world.admin)
        assert reply.status == 200
        assert reply.body["oidc"]["has_secret"] is False
    assert world.put().status == 200


@given(st.text(max_size=60))
def test_wherever_a_login_ends_it_is_here(wanted: str) -> None:
    for path in (wanted, "/" + wanted):
        kept = safe_next(path)
        assert kept.startswith("/")
        assert not kept.startswith(("//", "/\\"))
        assert not set(kept) & set("\\\r\n\t ")


@given(st.lists(st.sampled_from(["a", "b", "c", "d"])))
def test_more_groups_never_mean_fewer_grants(groups: list[str]) -> None:
    mapping = [GroupGrants(name, [GrantSpec("viewer", [f"cluster-{name}"])]) for name in "abc"]
    assert set(grants_for(groups, mapping)) <= set(grants_for([*groups, "a"], mapping))
    assert len(grants_for(groups, mapping)) == len(set(groups) & set("abc"))


def test_groups_are_found_where_issuers_put_them() -> None:
    assert groups_in({"groups": ["a"]}, "groups") == ("a",)
    assert groups_in({"groups": "a"}, "groups") == ("a",)
    assert groups_in({"realm_access": {"roles": ["a", 7]}}, "realm_access.roles") == ("a",)
    assert groups_in({"https://example.org/groups": ["a"]}, "https://example.org/groups") == ("a",)
    assert groups_in({"groups": None}, "groups") is None
    assert groups_in({}, "a.b.c") is None


def test_nobody_is_taken_for_somebody_of_another_issuer() -> None:
    assert subject_for("https://a.example.org", "ada") != subject_for("https://b.example.org", "ada")
    assert len(subject_for("https://a.example.org/" + "x" * 400, "y" * 255)) < 255
