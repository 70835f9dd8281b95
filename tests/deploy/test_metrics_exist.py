import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.judges import DEPLOY, good, judge
from tests.live_server import LiveServer, live_server
from tests.waiting import poll_until

DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
OF_PROMETHEUS = {"job", "instance", "role", "le", "alertname", "alertstate"}  # put there by the scrape, not by us
SAMPLE = re.compile(r"\b(clustergenie_[a-z_]+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def expressions(rules: Path) -> Iterator[str]:
    for group in yaml.safe_load(rules.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def panels(dashboard: Path) -> list[dict]:
    return [panel for panel in json.loads(dashboard.read_text())["panels"] if panel["type"] != "row"]


def promql(dashboard: Path) -> Iterator[str]:
    for panel in panels(dashboard):
        if panel["datasource"]["type"] == "prometheus":
            yield from (target["expr"] for target in panel["targets"])
    for variable in json.loads(dashboard.read_text())["templating"]["list"]:
        if found := re.match(r"label_values\((.+), (\w+)\)$", variable.get("definition", "")):
            yield f"count by ({found[2]}) ({found[1]})"


EXPRESSIONS = [
    *((rules.name, one) for rules in RULES for one in expressions(rules)),
    *((dashboard.name, one) for dashboard in DASHBOARDS for one in promql(dashboard)),
]
RECORDED = {
    rule["record"]
    for rules in RULES
    for group in yaml.safe_load(rules.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Sample name → the labels it has, as a server exports them that has refused a request and lost its temper."""
    with live_server(
        tmp_path_factory.mktemp("metrics") / "data",
        CLUSTERGENIE_DIAG_CAP="1",
        CLUSTERGENIE_DIAG_RATE="0.001",
        CLUSTERGENIE_DIAG_SCOPE="cluster",
    ) as server:
        provoke(server)
        text = server.api.get("//metrics")
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(text):
        # What has no sample yet still says its name and kind.
        names = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        found |= {family.name + suffix: set() for suffix in names}
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def provoke(server: LiveServer) -> None:
    """Jobs that end well and badly, a droplet, a measurement, and a refusal."""
    api = server.api
    cluster = api.get("/clusters")["clusters"][0]["id"]
    good_job = {"type": "provision", "parameters": {"cluster_id": cluster, "provider": "simulated"}}
    assert api.job(api.post("/jobs", good_job)["job"]["id"])["status"] == "completed"
    api.post("/metrics", {"metrics": [{"cluster_id": cluster, "type": "cpu", "value": 5, "unit": "percent"}]})
    poll_until(lambda: api.send("POST", "/diagnosis/diagnose", {"cluster_id": cluster}).status == 429)
    poll_until(lambda: "clustergenie_cluster_metric_value{" in api.get("//metrics"), 20)


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_metric_and_label_that_is_asked_for_is_exported(
    where: str, expression: str, exported: dict[str, set[str]]
) -> None:
    plain = re.sub(r"\b\w+:\w+:\w+\b", "", expression)
    asked = SAMPLE.findall(plain)
    assert asked or any(name in expression for name in RECORDED), f"{where} asks for nothing of ours"
    assert [name for name, _ in asked if name not in exported] == []
    labels = {label.strip() for group in GROUPING.findall(plain) for label in group.split(",") if label.strip()}
    labels |= {label for _, matchers in asked for label in MATCHER.findall(matchers)}
    known = OF_PROMETHEUS.union(*(exported[name] for name, _ in asked), UNPROVOKED)
    assert labels - known == set(), f"{where}: {expression}"


UNPROVOKED = {"tick", "group"}
"""Labels of what counts only when something is broken: a round that raises, an event that nobody can take."""


def test_a_metric_that_nobody_exports_is_caught(exported: dict[str, set[str]]) -> None:
    with pytest.raises(AssertionError):
        test_every_metric_and_label_that_is_asked_for_is_exported("x", "rate(clustergenie_wishes_total[5m])", exported)
    with pytest.raises(AssertionError):
        test_every_metric_and_label_that_is_asked_for_is_exported(
            "x", 'sum by (colour) (clustergenie_droplets{status="lost"})', exported
        )


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_promql_has_units_and_says_what_each_panel_shows(dashboard: Path, tmp_path: Path) -> None:
    content = json.loads(dashboard.read_text())
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__rate_interval", "5m", expression)}
        for number, expression in enumerate(promql(dashboard))
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    good(judge("promtool", "check", "rules", file))
    assert content["editable"] is False
    assert [panel["title"] for panel in panels(dashboard) if not panel["description"]] == []
    uids = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/datasources.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels(dashboard)} <= {one["uid"] for one in uids}
    assert len({panel["id"] for panel in content["panels"]}) == len(content["panels"])
