import contextlib
import http.client
import json
import shutil
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.deploy.proxied import name_server, nginx
from tests.live_server import Api, LiveServer, Reply, free_port
from tests.waiting import poll_until

REPLICAS = ("127.0.0.1", "127.0.0.2")
NOOP = {"type": "noop", "parameters": {}}
SIMULATED = {"CLUSTERGENIE_PROVIDERS": "simulated", "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated"}


class Front(NamedTuple):
    """Two servers on one port of two addresses, one address in front of both, and a key that both know."""

    api: Api
    servers: dict[str, LiveServer]
    key: dict[str, str]

    def send(self, method: str, path: str, body: object = None) -> Reply:
        return self.api.send(method, path, body, headers=self.key)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    tmp_path = tmp_path_factory.mktemp("replicas")
    port = free_port()
    folders = {address: tmp_path / address for address in REPLICAS}
    servers = {a: LiveServer(folders[a], port, CLUSTERGENIE_HOST=a, **SIMULATED) for a in REPLICAS}
    first = servers[REPLICAS[0]]
    try:
        made = first.start().api.post(
            "/auth/keys", {"name": "proxied", "grants": [{"role": "admin", "clusters": None}]}
        )
        key = {"Authorization": f"Bearer {made['secret']}"}
        first.terminate()
        shutil.copytree(*folders.values())  # SQLite serves one process, so the second has a copy of the first
        for server in servers.values():
            server.spawn()
        for address in REPLICAS:
            until_ready(address, port)
        folder = tmp_path / "nginx"
        folder.mkdir()
        with name_server(list(REPLICAS)) as dns, nginx(folder, f"api:{port}", f"127.0.0.1:{dns}") as outside:
            yield Front(Api(outside), servers, key)
    finally:
        for server in servers.values():
            server.cleanup()


def until_ready(address: str, port: int) -> None:
    def ready() -> bool:
        with contextlib.closing(http.client.HTTPConnection(address, port, timeout=2)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200

    poll_until(ready, 60)


def test_one_address_serves_all_replicas_streams_at_once_and_hides_the_metrics(front: Front) -> None:
    for _ in range(40):
        assert front.send("POST", "/jobs", NOOP).status == 201
    newest = {front.send("GET", "/jobs?page_size=1").body["jobs"][0]["id"] for _ in range(40)}
    assert len(newest) == 2, "both replicas answer"
    assert front.send("GET", "//metrics").status == 404
    assert front.send("GET", "//readyz").status == 200

    stream = http.client.HTTPConnection("127.0.0.1", front.api.port, timeout=20)
    with contextlib.closing(stream):
        stream.request("GET", "/api/v1/events/stream", headers=front.key)
        answer = stream.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for _ in range(40):  # nginx throws a coin for each: of so many, some go to the replica that the stream is of
            assert front.send("POST", "/jobs", NOOP).status == 201
        seen = ""
        while '"job_requested"' not in seen:
            seen += answer.readline().decode()
        assert json.loads(seen.rpartition("data: ")[2])["type"] == "job_requested"
        answer.close()


def test_who_comes_through_a_proxy_on_this_machine_is_not_taken_for_its_owner(front: Front) -> None:
    assert front.servers[REPLICAS[0]].api.send("GET", "/clusters").status == 401  # there is a key: no more local admin
    assert front.api.send("GET", "/clusters").status == 401
    assert front.send("GET", "/clusters").status == 200


def test_the_loss_of_a_replica_is_no_failed_request(front: Front) -> None:
    for address, server in front.servers.items():
        server.kill()
        for _ in range(30):
            assert front.send("GET", "/clusters").status == 200
            # It was not sent to the dead one: a refused connection is no request, so nothing can happen twice.
            assert front.send("POST", "/jobs", NOOP).status == 201
        server.spawn()
        until_ready(address, server.port)
