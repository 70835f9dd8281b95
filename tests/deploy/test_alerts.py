from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.deploy.judges import DEPLOY, good, judge

RULES = DEPLOY / "prometheus" / "rules" / "clustergenie.yml"


class Case(NamedTuple):
    """Series in promtool's notation (one value a minute); at the last minute the alert fires, or stays silent."""

    minutes: int
    fires: dict[str, str]
    silent: dict[str, str]


def http(status: str, per_minute: int) -> dict[str, str]:
    return {f'clustergenie_http_requests_total{{job="c",status="{status}"}}': f"0+{per_minute}x60"}


def histogram(name: str, below: str, above: str, labels: str = "") -> dict[str, str]:
    """One observation a minute between two bounds."""
    return {
        f'{name}_bucket{{{labels}le="{below}"}}': "0+0x60",
        f'{name}_bucket{{{labels}le="{above}"}}': "0+60x60",
        f'{name}_bucket{{{labels}le="+Inf"}}': "0+60x60",
    }


def attempts(failed: str, completed: str) -> dict[str, str]:
    name = 'clustergenie_job_processing_seconds_count{job_type="provision",status='
    return {f'{name}"failed"}}': failed, f'{name}"completed"}}': completed}


def one(series: str, value: str) -> dict[str, str]:
    return {series: value}


HTTP, RUN, WAIT = (
    f"clustergenie_{name}_seconds" for name in ("http_request_duration", "job_processing", "job_waiting")
)
UP = 'up{job="clustergenie",instance="a:8080",role="api"}'
CASES = {
    "ClusterGenieDown": Case(5, one(UP, "0x20"), one(UP, "1x20")),
    "ClusterGenieAllGone": Case(5, one(UP, "0x20"), {UP: "0x20", UP.replace("a:8080", "b:8080"): "1x20"}),
    "ClusterGenieErrors": Case(15, http("200", 600) | http("503", 60), http("200", 600) | http("503", 6)),
    "ClusterGenieSlow": Case(
        25,
        histogram(HTTP, "1", "2.5", 'path="/api/v1/jobs",'),
        histogram(HTTP, "1", "2.5", 'path="/api/v1/events/stream",') | histogram(HTTP, "0.01", "0.025", 'path="/",'),
    ),
    "ClusterGenieDatabaseBehind": Case(
        5, one("clustergenie_database_backlog", "900x20"), one("clustergenie_database_backlog", "900 0x20")
    ),
    "ClusterGenieJobsSlow": Case(
        30, histogram(RUN, "5", "10", 'job_type="scale",'), histogram(RUN, "1", "2.5", 'job_type="scale",')
    ),
    "ClusterGenieJobsWait": Case(15, histogram(WAIT, "5", "10"), histogram(WAIT, "0.1", "0.25")),
    "ClusterGenieWorkersBusy": Case(
        15,
        {"clustergenie_workerpool_active_workers": "31x20", "clustergenie_workerpool_worker_count": "32x20"},
        {"clustergenie_workerpool_active_workers": "8x20", "clustergenie_workerpool_worker_count": "32x20"},
    ),
    "ClusterGenieNoWorkers": Case(
        5, one("clustergenie_workerpool_worker_count", "0x20"), one("clustergenie_workerpool_worker_count", "16x20")
    ),
    "ClusterGenieJobsFail": Case(20, attempts("0+3x60", "0+2x60"), attempts("0x15 2x60", "0x60")),  # 2 of 2: too few
    "ClusterGenieLeasesLost": Case(
        15, one("clustergenie_jobs_lost_leases_total", "0+1x60"), one("clustergenie_jobs_lost_leases_total", "7x60")
    ),
    "ClusterGenieRoundsFail": Case(
        15,
        one('clustergenie_tick_failures_total{tick="reconcile"}', "0+2x60"),
        one('clustergenie_tick_failures_total{tick="reconcile"}', "0 0 1x60"),
    ),
    "ClusterGenieEventsLag": Case(
        10, one('clustergenie_bus_lag{group="g"}', "5000x20"), one('clustergenie_bus_lag{group="g"}', "5000 0x20")
    ),
    "ClusterGenieDeadLetters": Case(
        10,
        one('clustergenie_dead_letters_total{group="g"}', "0 0 0 2x20"),
        one('clustergenie_dead_letters_total{group="g"}', "2x60"),
    ),
    "ClusterGenieLimiterDegraded": Case(
        5, one("clustergenie_rate_limit_degraded", "1x20"), one("clustergenie_rate_limit_degraded", "1 0x20")
    ),
    "ClusterGenieRefusals": Case(
        25,
        one('clustergenie_rate_limit_exceeded_total{endpoint="jobs_create"}', "0+600x60"),
        one('clustergenie_rate_limit_exceeded_total{endpoint="jobs_create"}', "0+5x60"),
    ),
    "ClusterGenieDropletsLost": Case(
        15, one('clustergenie_droplets{status="lost"}', "2x30"), one('clustergenie_droplets{status="lost"}', "2x5 0x30")
    ),
    "ClusterGenieClustersDegraded": Case(
        20,
        one('clustergenie_clusters{status="degraded"}', "1x30"),
        one('clustergenie_clusters{status="degraded"}', "1x10 0x30"),
    ),
}


def alerts() -> list[dict[str, object]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def expectation(alert: str, minutes: int, series: dict[str, str], *, fires: bool) -> dict[str, object]:
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    return {
        "name": f"{alert} {'fires' if fires else 'stays silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"clamp_max(count({firing}), 1) or vector(0)",
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }


def run(tests: list[dict[str, object]], folder: Path):
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    return judge("promtool", "test", "rules", file)


def test_every_alert_fires_when_it_should_and_stays_silent_when_not(tmp_path: Path) -> None:
    assert {rule["alert"] for rule in alerts()} == set(CASES)
    tests = []
    for alert, case in CASES.items():
        tests.append(expectation(alert, case.minutes, case.fires, fires=True))
        tests.append(expectation(alert, case.minutes, case.silent, fires=False))
    good(run(tests, tmp_path))


def test_an_alert_that_does_not_fire_is_caught(tmp_path: Path) -> None:
    case = CASES["ClusterGenieDown"]
    told = run([expectation("ClusterGenieDown", case.minutes, case.silent, fires=True)], tmp_path)
    assert told.returncode != 0
    assert "FAILED" in told.stdout + told.stderr


def test_promtool_has_nothing_against_the_rules_and_the_scrape_config() -> None:
    good(judge("promtool", "check", "rules", RULES))
    good(judge("promtool", "check", "config", "--syntax-only", DEPLOY / "prometheus" / "prometheus.yml"))


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_look(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith((".", "?"))
