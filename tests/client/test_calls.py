from pathlib import Path

import pytest

from clustergenie.client import (
    Client,
    ClientError,
    Conflict,
    Invalid,
    NotAnApi,
    NotFound,
    RateLimited,
    ServerError,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from tests.client.toy_api import HANG_UP, Asked, ToyApi, problem

JOB = {"id": "job-noop-1", "type": "noop", "status": "pending", "progress": 0}


def test_a_reply_is_the_api_s_body_unchanged(api: ToyApi, client: Client) -> None:
    body = {"cluster": {"id": "cluster-1", "name": "web", "something": "new"}, "message": "ok"}
    api.on("GET", "/clusters/cluster-1", body)
    assert client.clusters.get("cluster-1") == body


def test_calls_share_one_connection(api: ToyApi, client: Client) -> None:
    api.on("GET", "/jobs/job-noop-1", {"job": JOB})
    for _ in range(3):
        client.jobs.get("job-noop-1")
    assert len({id(asked.connection) for asked in api.asked}) == 1


def test_a_connection_that_the_server_closed_is_replaced_without_a_retry(api: ToyApi) -> None:
    api.on("GET", "/jobs/job-noop-1", (200, {"job": JOB}, {"Connection": "close"}))
    with Client(api.url, retries=0) as client:
        client.jobs.get("job-noop-1")
        assert client.jobs.get("job-noop-1")["job"] == JOB


def test_a_list_follows_the_cursor_to_its_end_and_no_further_than_the_limit(api: ToyApi, client: Client) -> None:
    pages = {None: (["a", "b"], "next"), "next": (["c"], None)}

    def page(asked: Asked) -> object:
        names, cursor = pages[asked.query.get("cursor")]
        return {"clusters": [{"id": name} for name in names], "next_cursor": cursor}

    api.on("GET", "/clusters", page)
    assert [c["id"] for c in client.clusters.list(region="nyc3")] == ["a", "b", "c"]
    assert all(asked.query["region"] == "nyc3" for asked in api.asked)
    api.asked.clear()
    assert [c["id"] for c in client.clusters.list(limit=2)] == ["a", "b"]
    assert len(api.asked) == 1


def test_a_server_under_a_sub_path_is_called_there(api: ToyApi) -> None:
    api.on("GET", "//tools/genie/api/v1/clusters", {"clusters": [], "next_cursor": None})
    for address in (f"{api.url}/tools/genie", f"{api.url}/tools/genie/", f"{api.url}/tools/genie/api/v1"):
        with Client(address) as client:
            assert list(client.clusters.list()) == []


def test_the_token_comes_from_the_argument_the_environment_or_a_file(
    api: ToyApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.on("GET", "//readyz", {})
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("CLUSTERGENIE_TOKEN_FILE", str(tmp_path / "token"))
    _ready(Client(api.url))
    monkeypatch.setenv("CLUSTERGENIE_TOKEN", "from-env")
    _ready(Client(api.url))
    _ready(Client(api.url, token="given"))
    assert [a.headers["authorization"] for a in api.asked] == ["Bearer from-file", "Bearer from-env", "Bearer given"]


def _ready(client: Client) -> None:
    with client:
        client.ready()


def test_a_token_file_that_is_missing_or_empty_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLUSTERGENIE_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(ClientError, match="cannot be read: No such file"):
        Client()
    (tmp_path / "none").write_text("\n")
    with pytest.raises(ClientError, match="is empty"):
        Client()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthenticated), (404, NotFound), (409, Conflict), (422, Invalid), (500, ServerError)],
)
def test_a_problem_becomes_its_own_exception(api: ToyApi, client: Client, status: int, kind: type[ServerError]) -> None:
    errors = [{"pointer": "/name", "detail": "is empty"}]
    api.on("POST", "/clusters", problem(status, "name-taken", "There is one.", errors=errors, trace_id="t"))
    with pytest.raises(kind) as caught:
        client.clusters.create(name="web")
    told = caught.value
    assert (told.status, told.type, told.detail, told.request_id) == (status, "name-taken", "There is one.", "req-1")
    assert (told.errors, told.trace_id) == (errors, "t")
    assert len(api.asked) == 1


def test_a_read_is_tried_again_when_the_connection_breaks_or_the_server_is_full(api: ToyApi, client: Client) -> None:
    full = problem(503, "unavailable", "Busy.")
    api.in_turn("GET", "/jobs/job-noop-1", HANG_UP, full, {"job": JOB})
    assert client.jobs.get("job-noop-1")["job"] == JOB
    assert len(api.asked) == 3


def test_a_write_whose_fate_is_unknown_is_not_sent_twice(api: ToyApi, client: Client) -> None:
    api.on("POST", "/clusters", lambda _: HANG_UP)
    with pytest.raises(Unreachable) as caught:
        client.clusters.create(name="web")
    assert caught.value.sent
    assert len(api.asked) == 1


def test_a_write_is_not_repeated_when_the_server_is_full(api: ToyApi, client: Client) -> None:
    api.on("POST", "/clusters", problem(503, "unavailable", "Busy."))
    with pytest.raises(Unavailable):
        client.clusters.create(name="web")
    assert len(api.asked) == 1


def test_a_job_is_asked_for_again_under_the_same_key(api: ToyApi, client: Client) -> None:
    api.in_turn("POST", "/jobs", HANG_UP, (201, {"job": JOB, "message": "created"}))
    client.jobs.create("noop", {})
    first, second = (asked.headers["idempotency-key"] for asked in api.asked)
    assert first == second
    client.jobs.create("noop", {})
    assert api.asked[-1].headers["idempotency-key"] != first


def test_a_limit_is_waited_out_as_long_as_the_server_says(api: ToyApi, client: Client) -> None:
    limited = (*problem(429, "rate-limited", "Too many.")[:2], {"Retry-After": "0"})
    api.in_turn("POST", "/clusters", limited, (201, {"cluster": {"id": "cluster-1"}}))
    assert client.clusters.create(name="web")["cluster"]["id"] == "cluster-1"


def test_a_limit_that_lasts_too_long_is_told_and_not_slept_through(api: ToyApi, client: Client) -> None:
    api.on("GET", "/jobs/j", (*problem(429, "rate-limited", "Too many.")[:2], {"Retry-After": "3600"}))
    with pytest.raises(RateLimited) as caught:
        client.jobs.get("j")
    assert caught.value.retry_after == 3600
    assert len(api.asked) == 1


def test_no_server_is_a_sentence(free_port: int) -> None:
    with (
        Client(f"http://127.0.0.1:{free_port}") as client,
        pytest.raises(Unreachable, match=r"No ClusterGenie server answered at .*connection refused") as caught,
    ):
        client.clusters.create(name="web")
    assert not caught.value.sent


@pytest.mark.parametrize("address", ["ftp://x", "http://", "http://x:99999", "http://x:y"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ClientError, match=r"address of a server|usable port"):
        Client(address)


def test_a_page_that_is_not_json_is_told_as_such(api: ToyApi, client: Client) -> None:
    api.on("GET", "/clusters/x", "<html>hello</html>")
    with pytest.raises(NotAnApi, match="text/html, not JSON"):
        client.clusters.get("x")
    api.on("GET", "/clusters/x", (500, "<html>oops</html>"))
    with pytest.raises(ServerError, match="The server answered 500 with a web page"):
        client.clusters.get("x")


def test_a_redirect_is_named_and_not_followed(api: ToyApi, client: Client) -> None:
    api.on("GET", "/clusters/x", (301, "moved", {"Location": "https://elsewhere/api/v1/clusters/x"}))
    with pytest.raises(NotAnApi, match="redirects to https://elsewhere"):
        client.clusters.get("x")


def test_names_are_quoted_in_paths_and_none_is_left_out_of_queries(api: ToyApi, client: Client) -> None:
    client_path = "/clusters/a%20b%23c"
    api.on("GET", client_path, {"cluster": {"id": "x"}})
    assert client.clusters.get("a b#c")["cluster"]["id"] == "x"
    api.on("DELETE", "/clusters/x", (202, {"cluster": {"id": "x"}}))
    client.clusters.delete("x")
    assert api.asked[-1].query == {}
