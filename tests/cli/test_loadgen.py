import asyncio
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.cli.loadgen.plan import KINDS, parse_mix, parse_rate, shots, spread
from clustergenie.cli.loadgen.push import push
from clustergenie.cli.loadgen.tally import Tally, percentile
from clustergenie.cli.loadgen.wire import Target
from tests.cli.conftest import Cli
from tests.cli.samples import cluster, job
from tests.client.toy_api import HANG_UP, Asked, ToyApi, problem

mixes = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 9)).filter(lambda mix: sum(mix.values()) > 0)


@given(mixes)
def test_a_round_has_each_kind_as_often_as_its_share(mix: dict[str, int]) -> None:
    assert Counter(spread(mix)) == Counter({kind: share for kind, share in mix.items() if share})


@given(st.floats(0.1, 5000), st.floats(0.01, 5), mixes)
def test_the_clock_alone_says_when_a_request_is_due(rate: float, seconds: float, mix: dict[str, int]) -> None:
    plan = list(shots(rate, seconds, mix, ["a", "b"]))
    assert len(plan) == max(1, round(rate * seconds))
    assert [shot.due for shot in plan] == pytest.approx([n / rate for n in range(len(plan))])


def test_rates_and_mixes_are_read_as_people_write_them() -> None:
    assert [parse_rate(text) for text in ("50", "50/s", "3000/m", "0.5/s")] == [50, 50, 50, 0.5]
    assert parse_mix("diagnose=2, noop=7") == {"diagnose": 2, "noop": 7}


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(1, 100))
def test_a_percentile_is_a_value_that_was_seen(values: list[float], mark: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, mark)
    assert found in values
    assert sum(value <= found for value in ordered) >= len(ordered) * mark / 100 - 1e-6


def test_a_slow_answer_counts_for_everyone_who_waited_behind_it(api: ToyApi) -> None:
    tally = Tally()
    plan = shots(10_000, 0.0005, {"noop": 1}, ["a"])  # five at once, over one connection
    api.on("POST", "/jobs", (201, {"job": job()}))
    asyncio.run(push(plan, Target.of(api.url, None, "0" * 32), 1, tally))
    assert (tally.sent, tally.accepted) == (5, 5)
    assert tally.latencies == sorted(tally.latencies)


def test_a_run_makes_its_clusters_reports_and_cleans_up(api: ToyApi, cli: Cli) -> None:
    made: list[str] = []

    def create(asked: Asked) -> object:
        made.append(f"cluster-{len(made)}")
        return 201, {"cluster": cluster(id=made[-1], name=asked.body["name"])}

    api.on("POST", "/clusters", create)
    for ident in ("cluster-0", "cluster-1"):
        api.on("DELETE", f"/clusters/{ident}", (202, {"cluster": cluster(id=ident)}))
    api.in_turn("POST", "/jobs", problem(429, "rate-limited", "Too many."), (201, {"job": job()}))
    api.on("POST", "/diagnosis/diagnose", {"insights": []})
    api.on("GET", "/jobs", lambda asked: {"jobs": [], "total": 5 if asked.query["status"] == "completed" else 0})
    said = cli("loadgen", "--rate", "200", "--seconds", "0.05", "--clusters", "2", "--follow", "-o", "json")
    report = json.loads(said.out)
    assert said.code == 0
    assert (report["sent"], report["accepted"], report["limited"], report["errors"]) == (10, 9, 1, 0)
    assert report["kinds"]["noop"] == 7
    assert report["jobs"]["completed"] == 5
    assert {asked.headers["traceparent"].split("-")[1] for asked in api.calls("POST", "/jobs")} == {report["trace_id"]}
    assert [asked.path[-9:] for asked in api.asked if asked.method == "DELETE"] == made


def test_errors_are_counted_by_kind_and_fail_the_run(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/clusters/cluster-1", {"cluster": cluster()})
    api.in_turn("POST", "/jobs", HANG_UP, problem(500, "internal", "Oops."), (201, {"job": job()}))
    said = cli(
        "loadgen",
        "--cluster",
        "cluster-1",
        "--rate",
        "100",
        "--seconds",
        "0.05",
        "--mix",
        "noop=1",
        "--connections",
        "1",
        "-o",
        "json",
    )
    report = json.loads(said.out)
    assert said.code == 1
    assert (report["sent"], report["accepted"], report["errors"]) == (5, 3, 2)
    assert report["error_kinds"]["HTTP 500"] == 1
    assert not [asked for asked in api.asked if asked.method == "DELETE"]
