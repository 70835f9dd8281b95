"""Talk with an OpenID issuer: what it says of itself, its keys, a code for a token. Loaded where one is used."""

import base64
import time
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from clustergenie.auth.oidc_models import OidcRefused, Setup
from clustergenie.auth.oidc_plan import ALGORITHMS
from clustergenie.platform.errors import NotAnswered
from clustergenie.platform.outbound import Answer, Outbound

KNOWN_SECONDS = 3_600.0
KEYS_AGAIN_SECONDS = 10.0
"""A token with a key that is not known yet has the keys asked for again, but not oftener than this."""
_DISCOVERY = "/.well-known/openid-configuration"


class Discovery(msgspec.Struct):
    """What an issuer says of itself (OpenID Connect Discovery 1.0 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct):
    """What an issuer gives for a code."""

    id_token: str
    access_token: str = ""


class Issuer:
    """One issuer, and what is remembered of it."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._known: tuple[str, Discovery, float] | None = None
        self._keys: tuple[str, list[dict[str, Any]], float] | None = None

    async def discover(self, issuer: str) -> Discovery:
        """Raises UnsafeUrl, NotAnswered, OidcRefused."""
        if self._known is not None and self._known[0] == issuer and time.monotonic() < self._known[2]:
            return self._known[1]
        answer = _good(await self._outbound.get(issuer.rstrip("/") + _DISCOVERY, accept="application/json"))
        found: Discovery = _read(answer, Discovery)
        if found.issuer != issuer:
            raise NotAnswered(f"{issuer} says that it is {found.issuer!r}; the two must be the same, to the letter.")
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            self._outbound.check(url)
        challenges = found.code_challenge_methods_supported
        if challenges is not None and "S256" not in challenges:
            raise NotAnswered(f"{issuer} does not know PKCE with S256, without which a login is not safe.")
        self._known = (issuer, found, time.monotonic() + KNOWN_SECONDS)
        return found

    async def redeem(self, setup: Setup, secret: str | None, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for a code; a code is good for once. Raises OidcRefused, NotAnswered."""
        known = await self.discover(setup.issuer)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"code_verifier": verifier, "client_id": setup.client_id}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if secret is not None and "client_secret_basic" in known.token_endpoint_auth_methods_supported:
            pair = f"{quote(setup.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749 §2.3.1
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif secret is not None:
            form["client_secret"] = secret
        answer = await self._outbound.call("POST", known.token_endpoint, headers=headers, body=urlencode(form).encode())
        if answer.status in (400, 401, 403):
            raise OidcRefused(f"{setup.name} did not accept the login ({_error(answer)}); log in again.")
        tokens: Tokens = _read(_good(answer), Tokens)
        return tokens

    async def claims(self, setup: Setup, token: str) -> dict[str, Any]:
        """What an ID token says, once its signature is known to be the issuer's. Raises OidcRefused, NotAnswered."""
        known = await self.discover(setup.issuer)
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise OidcRefused("The ID token cannot be read. Log in again.") from error
        if header.get("alg") not in ALGORITHMS or "crit" in header:
            raise OidcRefused("The ID token is not signed in a way that proves where it is from. Log in again.")
        for again in (False, True):
            keys = [each for each in await self._jwks(known, again=again) if _fits(each, header)]
            for key in keys:
                if (said := _verified(token, key, str(header["alg"]))) is not None:
                    return said
            if keys and "kid" in header:
                break  # the key it names is known, and it is not signed with that
        raise OidcRefused("The ID token is not signed by its issuer. Log in again.")

    async def userinfo(self, setup: Setup, tokens: Tokens) -> dict[str, Any]:
        """What the issuer tells besides; nothing where it tells nothing. Raises NotAnswered."""
        known = await self.discover(setup.issuer)
        if known.userinfo_endpoint is None or not tokens.access_token:
            return {}
        headers = {"authorization": f"Bearer {tokens.access_token}", "accept": "application/json"}
        answer = _good(await self._outbound.call("GET", known.userinfo_endpoint, headers=headers))
        told: dict[str, Any] = _read(answer, dict[str, Any])
        return told

    async def _jwks(self, known: Discovery, *, again: bool) -> list[dict[str, Any]]:
        if self._keys is not None and self._keys[0] == known.jwks_uri:
            age = time.monotonic() - self._keys[2]
            if age < (KEYS_AGAIN_SECONDS if again else KNOWN_SECONDS):
                return self._keys[1]
        found = _read(_good(await self._outbound.get(known.jwks_uri)), dict[str, Any]).get("keys")
        keys = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        self._keys = (known.jwks_uri, keys, time.monotonic())
        return keys


def _fits(key: dict[str, Any], header: dict[str, Any]) -> bool:
    kind = {"R": "RSA", "P": "RSA", "E": "OKP" if header["alg"] == "EdDSA" else "EC"}[str(header["alg"])[0]]
    if key.get("kty") != kind or key.get("use", "sig") != "sig" or key.get("alg", header["alg"]) != header["alg"]:
        return False
    return "kid" not in header or key.get("kid") == header["kid"]


def _verified(token: str, key: dict[str, Any], algorithm: str) -> dict[str, Any] | None:
    public = {name: value for name, value in key.items() if name not in ("key_ops", "use", "alg")}
    try:
        found = jws.deserialize_compact(token, import_key(public), [algorithm])
        said = msgspec.json.decode(found.payload)
    except (JoseError, ValueError, TypeError, KeyError, msgspec.DecodeError):
        return None
    return said if isinstance(said, dict) else None


def _read(answer: Answer, kind: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAnswered(f"{answer.url} does not answer as an OpenID issuer does: {error}.") from error


def _good(answer: Answer) -> Answer:
    if answer.status != 200:
        raise NotAnswered(f"{answer.url} answered {answer.status}.")
    return answer


def _error(answer: Answer) -> str:
    try:
        word = msgspec.json.decode(answer.body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError):
        word = None
    return word[:64] if isinstance(word, str) and word.isprintable() else str(answer.status)
