"""Hold the running server to its own `/openapi.json`: no 500, no status, header or body that is not documented."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.auth.access import Access
from tests.live_server import LiveServer, live_server

STREAM = "/api/v1/events/stream"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method", "use_after_free", "ensure_resource_availability",
    "refusals_tell_nothing",
)  # fmt: skip
EXAMPLES = 12
KNOWN_IDS = '[parameters]\n"path.cluster_id" = "cluster-1"\n"query.cluster_id" = "cluster-1"\n'
FEW = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Whatever is asked for is only simulated: hundreds of droplets will be. The first key that is made by the way
    would shut out all that follows, so keys make no difference here; `access` is where they do."""
    settings = {"CLUSTERGENIE_DEFAULT_PROVIDER": "simulated", "CLUSTERGENIE_AUTH": "off"}
    with live_server(tmp_path_factory.mktemp("api") / "data", **settings) as running:
        yield running


@pytest.fixture
def description(server: LiveServer, tmp_path: Path) -> Path:
    """The server's own description, but for the largest clusters: ten thousand droplets are another test's."""
    document = server.api.get("//openapi.json")
    assert document["openapi"].startswith("3.1")
    for name in ("ClusterSpec", "ClusterChange"):
        document["components"]["schemas"][name]["properties"]["wanted_size"]["maximum"] = FEW
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def fuzz(
    server: LiveServer,
    description: Path,
    seed: int,
    phases: str,
    settings: str = "",
    more: Sequence[str] = (),
    examples: int = EXAMPLES,
) -> None:
    """Run schemathesis over every operation but the endless stream."""
    config = description.with_name("schemathesis.toml")
    config.write_text(settings)
    before = len(server.lines())
    told = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", config),
            *("run", description, "--url", server.url, "--exclude-path", STREAM, "--checks", ",".join(CHECKS)),
            *("--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "20"),
            *("--no-shrink", "--continue-on-failure", "--warnings", "off", *more),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.api.refusals", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=description.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "No issues found" in told.stdout
    bugs = [line for line in server.lines()[before:] if line.get("message") in ("unhandled failure", "tick failed")]
    assert not bugs, bugs[:3]


@pytest.mark.slow
def test_no_request_leads_to_an_answer_that_is_not_described(server: LiveServer, description: Path, seed: int) -> None:
    fuzz(server, description, seed, "examples,coverage,fuzzing")


@pytest.mark.slow
def test_nor_does_one_about_things_that_are_there(server: LiveServer, description: Path, seed: int) -> None:
    fuzz(server, description, seed, "fuzzing,stateful", KNOWN_IDS)


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """Where nobody gets in without a key."""
    made = Access(tmp_path_factory.mktemp("api"))
    try:
        yield made.start()
    finally:
        made.server.cleanup()


@pytest.mark.slow
def test_without_a_key_nothing_is_answered_that_is_not_described(access: Access, description: Path, seed: int) -> None:
    fuzz(access.server, description, seed, "examples,coverage,fuzzing", examples=FEW)


@pytest.mark.slow
def test_nor_with_an_admins_and_whoever_leaves_it_out_is_refused(access: Access, description: Path, seed: int) -> None:
    _, key = access.new_key("admin")
    more = ["--header", f"Authorization: Bearer {key}", "--checks", ",".join((*CHECKS, "ignored_auth"))]
    more += ["--exclude-path-regex", "/auth/keys/"]  # it learns ids from answers, and would revoke its own key
    fuzz(access.server, description, seed, "examples,fuzzing", more=more, examples=FEW)
    assert access.call("GET", "/auth/keys", key=key).status == 200


def test_the_stream_is_what_it_is_described_as(server: LiveServer) -> None:
    described = server.api.get("//openapi.json")["paths"][STREAM]["get"]["responses"]
    assert list(described["200"]["content"]) == ["text/event-stream"]
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", f"{STREAM}?type=job_completed")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers.get_content_type() == "text/event-stream"
        job = server.api.post("/jobs", {"type": "noop"})["job"]
        told = b""
        while job["id"].encode() not in told:  # jobs of the requests before may still complete
            told = answer.readline()
            assert told, "the stream ended"
        assert told.startswith(b"data: ")
        assert json.loads(told[6:])["type"] == "job_completed"
    finally:
        connection.close()


@pytest.mark.parametrize("query", ["type=nonsense", "last_event_id=-1", "last_event_id=x", "colour=red", "job_id="])
def test_the_stream_refuses_as_described(server: LiveServer, query: str) -> None:
    described = server.api.get("//openapi.json")["paths"][STREAM]["get"]["responses"]
    reply = server.api.send("GET", f"/events/stream?{query}")
    assert str(reply.status) in described
    assert reply.status == 422
    assert reply.headers["content-type"].startswith("application/problem+json")


def test_every_operation_says_what_it_does_and_how_it_refuses(server: LiveServer) -> None:
    document = server.api.get("//openapi.json")
    names = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary") or operation.get("description"), (method, path)
            # 3xx sends a browser on.
            assert any(status[0] in "23" for status in operation["responses"]), (method, path)
            assert "422" in operation["responses"], (method, path)
            names.add(operation["operationId"])
    assert len(names) == sum(len(operations) for operations in document["paths"].values())
