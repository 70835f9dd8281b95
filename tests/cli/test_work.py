import json

import pytest

from tests.cli.conftest import Cli
from tests.cli.samples import cluster, droplet, job, page
from tests.client.toy_api import Sse, ToyApi, block, problem


@pytest.fixture(autouse=True)
def _a_cluster(api: ToyApi) -> None:
    api.on("GET", "/clusters/cluster-1", {"cluster": cluster()})
    api.on("GET", "/clusters", page("clusters", cluster()))


def test_a_name_is_as_good_as_an_id(api: ToyApi, cli: Cli) -> None:
    assert json.loads(cli("cluster", "get", "web", "-o", "json").out) == {"cluster": cluster()}
    assert api.calls("GET", "/clusters")[0].query["q"] == "web"
    assert [asked.path for asked in api.asked[-2:]] == ["/api/v1/clusters", "/api/v1/clusters/cluster-1"]
    said = cli("cluster", "get", "we")
    assert (said.code, "There is no /api/v1/clusters/we" in said.err) == (5, True)


def test_a_name_that_two_things_have_is_not_guessed(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/droplets", page("droplets", droplet(), droplet(id="droplet-2")))
    said = cli("droplet", "get", "web-1")
    assert said.code == 2
    assert "droplet-1, droplet-2" in said.err


def test_without_a_wait_the_job_is_named_and_how_to_follow_it(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job(), "message": "created"}))
    said = cli("cluster", "scale", "web", "5", "-o", "name")
    assert (said.code, said.out) == (0, "job-scale-1\n")
    assert "clustergenie job watch job-scale-1" in said.err
    assert api.calls("POST", "/jobs")[0].body == {
        "type": "scale",
        "parameters": {"cluster_id": "cluster-1", "target_size": 5},
    }


def test_a_relative_scale_says_which_way(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    cli("cluster", "scale", "web", "--by=-2", "--on-conflict", "replace")
    assert api.calls("POST", "/jobs")[0].body == {
        "type": "scale",
        "parameters": {"cluster_id": "cluster-1", "action": "scale_down", "by": 2},
        "on_conflict": "replace",
    }


def test_watching_shows_a_line_per_step_and_prints_the_end(api: ToyApi, cli: Cli) -> None:
    steps = [
        {"seq": 1, "type": "job_started", "progress": 10, "job_id": "job-scale-1"},
        {"seq": 2, "type": "job_progress", "progress": 30, "job_id": "job-scale-1", "message": "ordered"},
        {"seq": 3, "type": "job_completed", "progress": 100, "job_id": "job-scale-1", "message": "all there"},
    ]
    api.on("POST", "/jobs", (201, {"job": job()}))
    api.in_turn("GET", "/jobs/job-scale-1", {"job": job("running")}, {"job": job("completed", progress=100)})
    api.in_turn("GET", "/jobs/job-scale-1/events", page("events", steps[0]), page("events", *steps))
    api.on("GET", "/events/stream", Sse([block(2, "job_progress", **steps[1])]))
    said = cli("cluster", "provision", "web", "--count", "2", "--watch", "-o", "json")
    assert said.code == 0
    assert [line.split("s ", 1)[1] for line in said.err.splitlines()] == [
        "[ 10%] started",
        "[ 30%] progress: ordered",
        "[100%] completed: all there",
    ]
    assert json.loads(said.out)["job"]["status"] == "completed"


def test_a_job_that_failed_exits_1_and_says_why(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    api.on("GET", "/jobs/job-scale-1", {"job": job("failed", error="no capacity in nyc3")})
    said = cli("cluster", "scale", "web", "5", "--wait")
    assert (said.code, said.err) == (1, "error: Job job-scale-1 failed: no capacity in nyc3\n")
    said = cli("cluster", "scale", "web", "5", "--wait", "-o", "json")
    assert (said.out, json.loads(said.err)["error"]["type"]) == ("", "job-failed")


def test_a_wait_that_is_over_exits_7_and_says_how_to_go_on(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    api.on("GET", "/jobs/job-scale-1", {"job": job("running", progress=30)})
    said = cli("cluster", "scale", "web", "5", "--wait", "--timeout", "0.1")
    assert said.code == 7
    assert "job-scale-1 is still running after 0.1 s" in said.err
    assert "clustergenie job watch job-scale-1" in said.err


def test_a_cluster_made_with_a_size_is_waited_for_until_it_has_it(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/clusters", (201, {"cluster": cluster(active=0, status="provisioning"), "message": "created"}))
    api.in_turn(
        "GET",
        "/clusters/cluster-1",
        {"cluster": cluster(active=0, status="provisioning", wanted_size=2)},
        {"cluster": cluster(active=2, wanted_size=2)},
    )
    said = cli("cluster", "create", "web", "--wanted-size", "2", "--wait", "--watch", "-o", "json")
    assert said.code == 0
    assert "web: provisioning, 0 of 2 active" in said.err
    assert json.loads(said.out)["cluster"]["active"] == 2


def test_a_deletion_waits_until_the_cluster_is_gone(api: ToyApi, cli: Cli) -> None:
    gone = problem(404, "not-found", "There is no such cluster.")
    api.in_turn("GET", "/clusters/cluster-1", {"cluster": cluster()}, gone)
    api.on("DELETE", "/clusters/cluster-1", (202, {"cluster": cluster(status="deleting"), "job": job()}))
    api.on("GET", "/jobs/job-scale-1", {"job": job("completed")})
    said = cli("cluster", "delete", "cluster-1", "--yes", "--wait", "--on-conflict", "replace")
    assert said.code == 0
    assert "web is gone." in said.err
    assert api.calls("DELETE", "/clusters/cluster-1")[0].query == {"on_conflict": "replace"}


def test_parameters_are_json_where_they_are(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    cli("job", "create", "provision", "--cluster", "web", "-p", "count=3", "-p", "name=api", "--idempotency-key", "k1")
    asked = api.calls("POST", "/jobs")[0]
    assert asked.body["parameters"] == {"count": 3, "name": "api", "cluster_id": "cluster-1"}
    assert asked.headers["idempotency-key"] == "k1"


def test_checks_and_the_revision_are_sent_as_the_api_has_them(api: ToyApi, cli: Cli) -> None:
    api.on("PUT", "/clusters/cluster-1", {"cluster": cluster(), "message": "updated", "job": None})
    cli("cluster", "update", "web", "--check", "tcp:5432", "--check", "http:8080/up", "--if-revision", "3")
    checks = [{"type": "tcp", "port": 5432}, {"type": "http", "port": 8080, "path": "/up"}]
    assert api.calls("PUT", "/clusters/cluster-1")[0].body == {"checks": checks, "revision": 3}
    assert "neither tcp:PORT nor" in cli("cluster", "create", "x", "--check", "udp:1").err


def test_lists_are_sorted_by_the_server(api: ToyApi, cli: Cli) -> None:
    cli("cluster", "list")
    cli("cluster", "list", "--sort=-created_at")
    asked = [(one.query["sort_by"], one.query["sort_dir"]) for one in api.calls("GET", "/clusters")]
    assert asked == [("name", "asc"), ("created_at", "desc")]


def test_events_are_one_json_object_a_line(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/events/stream", Sse([block(1, "job_started"), block(2, "resync"), block(3, "job_completed")]))
    said = cli("events", "tail", "--count", "3", "-o", "json")
    assert [json.loads(line)["type"] for line in said.out.splitlines()] == ["job_started", "job_completed"]
    assert "some events were missed" in said.err


def test_a_diagnosis_is_a_page_with_evidence(api: ToyApi, cli: Cli) -> None:
    finding = {"rule": "silent", "severity": "critical", "droplet_id": "droplet-1", "title": "web-1 is silent"}
    finding |= {
        "evidence": {"silent_seconds": 31},
        "cause": "its agent died",
        "remedy": {"action": "replace it", "command": "clustergenie droplet delete web-1"},
    }
    report = {"insights": ["1 of 3 is silent."], "recommendations": ["Replace web-1."], "findings": [finding]}
    api.on("POST", "/diagnosis/diagnose", report)
    said = cli("diagnose", "web")
    for words in (
        "CRITICAL: web-1 is silent",
        "silent_seconds 31",
        "its agent died",
        "replace it",
        "clustergenie droplet delete web-1",
        "Replace web-1.",
    ):
        assert words in said.out
    assert json.loads(cli("diagnose", "web", "-o", "json").out) == report
    assert "replace it,clustergenie droplet delete web-1" in cli("diagnose", "web", "-o", "csv").out


def test_health_can_tell_by_its_exit_code(api: ToyApi, cli: Cli) -> None:
    lost = {"name": "web-7", "what": "lost", "at": "2026-01-01T00:00:00Z", "reason": "its machine is gone"}
    bad = {"cluster_id": "cluster-1", "status": "degraded", "summary": "1 of 1 is silent", "droplets": []}
    bad["recent"] = [{**lost, "replaced_by_name": "web-8"}]
    api.on("GET", "/health/cluster-1", bad)
    said = cli("health", "web")
    assert said.code == 0
    assert "web-7 was lost at 2026-01-01T00:00:00Z: its machine is gone; web-8 took its place" in said.err
    said = cli("health", "web", "--detailed-exitcode")
    assert (said.code, "degraded: 1 of 1 is silent" in said.err) == (1, True)


def test_any_endpoint_can_be_called(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/jobs", (201, {"job": job()}))
    assert json.loads(cli("api", "post", "/api/v1/jobs", "--data", '{"type": "noop"}').out) == {"job": job()}
    assert api.asked[-1].body == {"type": "noop"}
    api.on("GET", "//readyz", {"status": "ok"})
    assert json.loads(cli("api", "GET", "/readyz").out) == {"status": "ok"}
    assert json.loads(cli("api", "GET", "/clusters?status=healthy", "-q", "page_size=1").out)["total"] == 1
    assert api.asked[-1].query == {"status": "healthy", "page_size": "1"}


def test_settings_are_kept_and_the_environment_wins(api: ToyApi, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTERGENIE_SERVER")
    assert cli("config", "set", "server", api.url).code == 0
    assert cli("config", "set", "output", "name").code == 0
    assert cli("cluster", "list").out == "cluster-1\n"
    monkeypatch.setenv("CLUSTERGENIE_OUTPUT", "csv")
    assert cli("cluster", "list").out.startswith("id,name")
    shown = {row["name"]: row["origin"] for row in json.loads(cli("config", "show", "-o", "json").out)}
    assert shown["output"] == "CLUSTERGENIE_OUTPUT"
    assert shown["server"].endswith("cli.toml")
    cli("config", "unset", "server")
    assert "default" in cli("config", "show", "-o", "wide").out
