"""A control plane with keys of every kind, and one call with any of them."""

import http.client
import itertools
import json
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.live_server import LiveServer, free_port
from tests.waiting import poll_until

SETUP = re.compile(r"/setup#token=(cgu_[A-Za-z0-9_\-]+)")
SOON_SECONDS = 5


class Answer(NamedTuple):
    """What came back; the body only as far as a stream that never ends gives it."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


def call(
    port: int,
    method: str,
    path: str,
    *,
    key: str | None = None,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request, as `key` if there is one."""
    sent = dict(headers or {})
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    content = None
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        streaming = answer.headers.get_content_type() == "text/event-stream"
        text = b"" if streaming else answer.read()
        return Answer(answer.status, text, {name.lower(): value for name, value in answer.headers.items()})
    finally:
        connection.close()


def setup_token(server: LiveServer) -> str:
    """The one in the last link that the server printed."""
    return poll_until(lambda: SETUP.findall(server.log_file.read_text(errors="replace")))[-1]


class Access:
    """The server, its first admin's key, and what it takes to make others."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.server = LiveServer(folder / "data", free_port(), CLUSTERGENIE_DEFAULT_PROVIDER="simulated", **environment)
        self.port = self.server.port
        self.admin = ""
        self._numbers = itertools.count()

    def start(self) -> "Access":
        """Start, and set up as somebody who clicks the link does."""
        self.server.start()
        answer = self.call("POST", "/auth/setup", body={"token": setup_token(self.server), "name": "first"})
        assert answer.status == 201, answer.body
        self.admin = answer.json()["secret"]
        return self

    def call(self, method: str, path: str, **more: Any) -> Answer:
        """Below /api/v1, or at the root with `//`."""
        return call(self.port, method, path[1:] if path.startswith("//") else "/api/v1" + path, **more)

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """As the admin; the body of a 2xx."""
        answer = self.call(method, path, key=self.admin, body=body)
        assert answer.status < 300, (method, path, answer.status, answer.body)
        return answer.json()

    def new_key(self, role: str, clusters: list[str] | None = None, **more: Any) -> tuple[str, str]:
        """The id and the secret of a new key."""
        name = f"{role} of {clusters and len(clusters)}"
        made = self.do("POST", "/auth/keys", {"name": name, "grants": [{"role": role, "clusters": clusters}], **more})
        return made["key"]["id"], made["secret"]

    def revoked_key(self) -> str:
        """One that was admin of everything."""
        key_id, secret = self.new_key("admin")
        self.do("DELETE", f"/auth/keys/{key_id}")
        return secret

    def expired_key(self) -> str:
        """One that was admin of everything, until just now."""
        until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + SOON_SECONDS + 1)) + "Z"
        _, secret = self.new_key("admin", expires_at=until)
        poll_until(lambda: self.call("GET", "/auth/keys", key=secret).status == 401, 40)
        return secret

    def agent_credential(self) -> tuple[str, str]:
        """The id of a droplet that is a process of its own, and what its agent proves itself with."""
        made = self.do("POST", "/droplets", {"name": "spy", "provider": "local"})["droplet"]["id"]
        poll_until(lambda: self.do("GET", f"/droplets/{made}")["droplet"]["status"] == "active", 60)
        (file,) = poll_until(lambda: list(self.server.data_dir.rglob("credential")))
        credential: str = json.loads(file.read_text())["credential"]
        return made, credential

    def unique(self) -> str:
        """A name that nothing has."""
        return f"name-{next(self._numbers)}"

    @staticmethod
    def tomorrow() -> str:
        """A moment that will not come during a test."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))

    def cluster(self, name: str) -> str:
        """A new one; its id."""
        found: str = self.do("POST", "/clusters", {"name": name})["cluster"]["id"]
        return found
