"""An OpenID issuer that lies as it is told to: everything is right but what a test bends."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

Bend = Callable[[dict[str, Any]], None]


class In(NamedTuple):
    """A moment, in seconds from when the token is made."""

    seconds: int


class Liar:
    """What the issuer says; tests change it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.published = [self.key]
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "first"}
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.token: Callable[[dict[str, Any], bytes], str] = self.signed
        self.nonce = ""
        self.asked: list[str] = []

    def reset(self) -> None:
        """Tell the truth again."""
        self.published = [self.key]
        self.header = {"alg": "RS256", "kid": "first"}
        self.claims, self.userinfo, self.discovery = {}, {}, {}
        self.token = self.signed

    def signed(self, header: dict[str, Any], payload: bytes) -> str:
        """As it should be."""
        return jws.serialize_compact(header, payload, self.key, [header["alg"]])

    def answer(self, path: str) -> dict[str, Any]:
        """The JSON of a path."""
        self.asked.append(path)
        if path.startswith("/.well-known"):
            ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **ends, **self.discovery}
        if path == "/jwks":
            return {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/userinfo":
            return self.userinfo
        now = int(time.time())
        claims = {"iss": self.url, "aud": "us", "sub": "ada", "nonce": self.nonce, "iat": now, "exp": now + 300}
        claims |= {"groups": ["ops"], **self.claims}
        said = {name: now + value.seconds if isinstance(value, In) else value for name, value in claims.items()}
        payload = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
        return {"id_token": self.token(self.header, payload), "access_token": "opaque", "token_type": "Bearer"}


def _parts(header: dict[str, Any], payload: bytes) -> str:
    return ".".join(_encoded(part) for part in (json.dumps(header).encode(), payload))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], payload: bytes) -> str:
    """No signature at all."""
    return _parts(header, payload) + "."


def signed_with_secret(header: dict[str, Any], payload: bytes, secret: bytes) -> str:
    """HS256, by hand: libraries refuse to take a public key for a secret."""
    parts = _parts(header, payload)
    return parts + "." + _encoded(hmac.new(secret, parts.encode(), hashlib.sha256).digest())


def by(key: RSAKey | ECKey) -> Callable[[dict[str, Any], bytes], str]:
    """Signed with another key than the issuer's."""
    return lambda header, payload: jws.serialize_compact(header, payload, key, [header["alg"]])


@contextlib.contextmanager
def lying() -> Iterator[Liar]:
    """On a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            self.rfile.read(length)
            body = json.dumps(liar.answer(urlsplit(self.path).path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        liar = Liar(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield liar
        finally:
            server.shutdown()
            thread.join()


def nonce_of(location: str) -> str:
    """What a login asked for."""
    return parse_qs(urlsplit(location).query)["nonce"][0]
