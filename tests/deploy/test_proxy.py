import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.proxied import name_server, nginx
from tests.live_server import Api, LiveServer, free_port
from tests.waiting import poll_until

REPLICAS = ("127.0.0.1", "127.0.0.2")


class Front(NamedTuple):
    """Two servers on one port of two addresses, and one address in front of both."""

    api: Api
    servers: dict[str, LiveServer]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    port = free_port()
    folder = tmp_path / "nginx"
    folder.mkdir()
    simulated = {"CLUSTERGENIE_PROVIDERS": "simulated", "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated"}
    servers = {
        address: LiveServer(tmp_path / address, port, CLUSTERGENIE_HOST=address, **simulated) for address in REPLICAS
    }
    for server in servers.values():
        server.spawn()
    try:
        for address in REPLICAS:
            poll_until(lambda address=address: ready(address, port), 60)
        with name_server(list(REPLICAS)) as dns, nginx(folder, f"api:{port}", f"127.0.0.1:{dns}") as outside:
            yield Front(Api(outside), servers)
    finally:
        for server in servers.values():
            server.cleanup()


def ready(address: str, port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection(address, port, timeout=2)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200


def test_one_address_serves_all_replicas_streams_at_once_and_hides_the_metrics(front: Front) -> None:
    ids = {front.api.get("/events?page_size=1")["events"][0]["timestamp"] for _ in range(20)}
    assert len(ids) == 2, "both replicas answer"
    assert front.api.send("GET", "//metrics").status == 404
    assert front.api.send("GET", "//readyz").status == 200
    assert front.api.send("POST", "/jobs", raw=b"x" * 9_000_000).status == 413

    stream = http.client.HTTPConnection("127.0.0.1", front.api.port, timeout=20)
    stream.request("GET", "/api/v1/events/stream")
    answer = stream.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    for _ in range(2):  # one of the two is the replica that the stream is of
        front.api.post("/jobs", {"type": "noop", "parameters": {}})
    seen = ""
    while '"job_requested"' not in seen:
        seen += answer.readline().decode()
    assert json.loads(seen.rpartition("data: ")[2])["type"] == "job_requested"
    stream.close()


def test_the_loss_of_a_replica_is_no_failed_request(front: Front) -> None:
    for address in REPLICAS:
        front.servers[address].kill()
        for _ in range(30):
            assert front.api.send("GET", "/clusters").status == 200
            # It was not sent to the dead one: a refused connection is no request, so nothing can happen twice.
            assert front.api.send("POST", "/jobs", {"type": "noop", "parameters": {}}).status == 201
        front.servers[address].spawn()
        port = front.servers[address].port
        poll_until(lambda address=address, port=port: ready(address, port), 60)
