"""Requests over a limit are refused with a reason and a time; who asks and about which cluster decides which limit."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from litestar import Request

from clustergenie.platform import telemetry
from clustergenie.ratelimit import loopback_subject
from clustergenie.ratelimit.metrics import CLUSTERS, Series
from tests.ratelimit.limited_server import Served, served

# RFC 9651: a list of strings with parameters that are integers.
_ITEM = r'"[a-z0-9_:]+"(;[a-z]+=\d+)+'
LIST = re.compile(rf"{_ITEM}(, {_ITEM})*")
SLOW = {"CLUSTERGENIE_JOBS_RATE": "0.01", "CLUSTERGENIE_JOBS_CAP": "2", "CLUSTERGENIE_DIAG_RATE": "0.01"}


def run(folder: Path, story: Callable[[Served], Awaitable[None]], **environment: str) -> None:
    async def play() -> None:
        async with served(folder, **{**SLOW, **environment}) as here:
            await story(here)

    asyncio.run(play())


def parameters(header: str) -> dict[str, dict[str, int]]:
    """`"a:user";q=2;w=200` as {"a:user": {"q": 2, "w": 200}}."""
    assert LIST.fullmatch(header), header
    found: dict[str, dict[str, int]] = {}
    for item in header.split(", "):
        name, *pairs = item.split(";")
        found[name.strip('"')] = {pair.partition("=")[0]: int(pair.partition("=")[2]) for pair in pairs}
    return found


def test_what_is_left_is_told_and_then_refused_with_the_time_to_wait(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        first, second, third = [await here.create() for _ in range(3)]
        assert [each.status_code for each in (first, second, third)] == [201, 201, 429]
        assert parameters(first.headers["ratelimit-policy"]) == {"jobs_create:user": {"q": 2, "w": 200}}
        assert parameters(first.headers["ratelimit"])["jobs_create:user"]["r"] == 1
        assert parameters(second.headers["ratelimit"])["jobs_create:user"]["r"] == 0
        told = parameters(third.headers["ratelimit"])["jobs_create:user"]
        assert told["r"] == 0
        assert 90 <= told["t"] <= int(third.headers["retry-after"]) <= 100
        assert third.headers["content-type"] == "application/problem+json"
        problem = third.json()
        assert problem["type"].endswith("#quota-exceeded")
        assert problem["violated-policies"] == ["jobs_create:user"]
        assert "0.01 a second" in problem["detail"]
        assert problem["error"] == problem["detail"]

    run(tmp_path, story)


def test_each_user_has_a_bucket_and_only_this_machine_may_name_one(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        ada = [(await here.create(**{"X-User-ID": "ada"})).status_code for _ in range(3)]
        bob = [(await here.create(**{"X-User-ID": "bob"})).status_code for _ in range(2)]
        assert (ada, bob) == ([201, 201, 429], [201, 201])
        assert await here.available("jobs_create", "user", "ada") == 0
        assert await here.available("jobs_create", "user", "127.0.0.1") == 2

    run(tmp_path, story)


def test_who_is_not_on_this_machine_cannot_name_anyone() -> None:
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"):
        scope: Any = {"type": "http", "client": (address, 1), "headers": [(b"x-user-id", b"ada")]}
        assert loopback_subject(Request(scope)) == address


def test_all_limits_of_a_request_are_charged_or_none_is(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        await here.rule("jobs_create", "global", 10, 0.01)
        await here.rule("jobs_create", "cluster", 1, 0.01)
        assert (await here.create(cluster="cluster-1")).status_code == 201
        refused = await here.create(cluster="cluster-1")
        assert refused.json()["violated-policies"] == ["jobs_create:cluster"]
        assert set(parameters(refused.headers["ratelimit"])) == {
            "jobs_create:global", "jobs_create:user", "jobs_create:cluster",
        }  # fmt: skip
        assert await here.available("jobs_create", "global") == 9
        assert await here.available("jobs_create", "user", "127.0.0.1") == 1
        assert (await here.create(cluster="cluster-2")).status_code == 201

    run(tmp_path, story)


def test_a_job_that_diagnoses_is_limited_as_a_diagnosis_too(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        answers = [await here.create("diagnose", "cluster-1") for _ in range(6)]
        assert [each.status_code for each in answers] == [201] * 5 + [429]
        assert answers[-1].json()["violated-policies"] == ["diagnosis:cluster"]
        assert (await here.create("noop", "cluster-1")).status_code == 201

    run(tmp_path, story, CLUSTERGENIE_JOBS_CAP="100")


def test_a_cluster_in_the_path_counts(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        await here.rule("things", "cluster", 1, 0.01)
        paths = ["/clusters/a/things", "/clusters/a/things", "/clusters/b/things"]
        assert [(await here.client.post(path)).status_code for path in paths] == [201, 429, 201]

    run(tmp_path, story)


def test_a_rule_in_shadow_mode_refuses_nothing_and_counts_what_it_would(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        await here.rule("things", "cluster", 1, 0.01, shadow=True)
        before = refusals("things")
        answers = [await here.client.post("/clusters/shade/things") for _ in range(3)]
        assert [each.status_code for each in answers] == [201] * 3
        assert "ratelimit" not in answers[0].headers
        assert refusals("things") - before == 2

    run(tmp_path, story)


def refusals(endpoint: str) -> float:
    """What the counter has, over all scopes."""
    (family,) = [each for each in telemetry.registry.collect() if each.name == "clustergenie_rate_limit_exceeded"]
    return sum(s.value for s in family.samples if s.name.endswith("_total") and s.labels["endpoint"] == endpoint)


def test_a_rule_that_is_off_costs_nothing_and_says_nothing(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        await here.rule("jobs_create", "user", 1, 0.01, enabled=False)
        answers = [await here.create() for _ in range(5)]
        assert [each.status_code for each in answers] == [201] * 5
        assert "ratelimit" not in answers[0].headers

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("cluster", "headers", "pointer"),
    [
        ("two\nlines", {}, "/parameters/cluster_id"),
        ("x" * 10_000, {}, "/parameters/cluster_id"),
        ("", {}, "/parameters/cluster_id"),
        ("nul\x00", {}, "/parameters/cluster_id"),
        ("c", {"X-User-ID": "x" * 257}, "X-User-ID"),
        ("c", {"X-User-ID": "a\tb"}, "X-User-ID"),
    ],
)
def test_a_scope_that_is_none_is_refused_and_charged_nothing(
    tmp_path: Path, cluster: str, headers: dict[str, str], pointer: str
) -> None:
    async def story(here: Served) -> None:
        await here.rule("jobs_create", "global", 10, 0.01)
        answer = await here.create(cluster=cluster, **headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert await here.available("jobs_create", "global") == 10

    run(tmp_path, story)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"parameters": 3}', b"[" * 50_000, b'{"type": {}}', b"\xff"])
def test_a_body_that_cannot_be_read_is_the_handlers_to_refuse(tmp_path: Path, body: bytes) -> None:
    async def story(here: Served) -> None:
        answer = await here.client.post("/jobs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)
        assert answer.headers["ratelimit"]

    run(tmp_path, story)


def test_the_document_tells_that_it_refuses(tmp_path: Path) -> None:
    async def story(here: Served) -> None:
        paths: dict[str, Any] = (await here.client.get("/openapi.json")).json()["paths"]
        assert "429" in paths["/jobs"]["post"]["responses"]
        for base in ("", "/api/v1"):
            assert {"get", "post", "delete"} <= set(paths[f"{base}/observability/ratelimit/config"])
            assert "422" in paths[f"{base}/observability/ratelimit"]["get"]["responses"]

    run(tmp_path, story)


def test_nobody_can_make_the_series_grow_without_end() -> None:
    series = Series()
    for number in range(CLUSTERS * 3):
        series.tell("bounded", "cluster", f"c{number}", 1, refused=True)
        series.tell("bounded", "user", f"u{number}", 1, refused=True)
    labels = {
        sample.labels["scope_id"]
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.labels.get("endpoint") == "bounded"
    }
    assert len(labels) == CLUSTERS + 2
    assert {"_other", "_user"} <= labels
    series.forget_cluster("c0")
    series.tell("bounded", "cluster", "new", 1, refused=False)
    assert ("bounded", "cluster", "new") in series._scopes
