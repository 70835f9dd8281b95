import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import clustergenie
from tests.deploy.judges import CHART, DEPLOY, KUBERNETES, ROOT, good, judge, template

SECRETS = "secrets.databaseUrl=mysql://genie:word@db/genie,secrets.secretKey=" + "5e" * 32
EVERYTHING = """
existingSecret: mine
image: { repository: registry.example.com/genie, tag: 1.2.3 }
imagePullSecrets: [{ name: pull }]
kafka: { brokers: "k1:9092,k2:9092" }
basePath: /tools/genie
extraEnv: [{ name: CLUSTERGENIE_JOBS_RATE, value: "100" }]
logConsumer: { enabled: true, lokiUrl: "http://loki:3100" }
ingress: { enabled: true, className: nginx }
networkPolicy:
  enabled: true
  ingressFrom: [{ namespaceSelector: { matchLabels: { name: ingress } } }]
  egressTo: [{ ipBlock: { cidr: 10.0.0.0/8 } }]
podMonitor: { enabled: true, tokenSecret: { name: scrape } }
api: { autoscaling: { enabled: false }, nodeSelector: { disk: ssd }, podAnnotations: { note: "1" } }
worker: { tolerations: [{ key: work, operator: Exists }], podDisruptionBudget: { enabled: false } }
"""


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """Values that turn on whatever can be turned on."""
    file = tmp_path / "values.yaml"
    file.write_text(EVERYTHING)
    return file


def objects(rendered: str) -> Iterator[dict[str, Any]]:
    yield from (one for one in yaml.safe_load_all(rendered) if one)


def kinds(rendered: str) -> set[tuple[str, str]]:
    return {(one["kind"], one["metadata"]["name"]) for one in objects(rendered)}


def validate(rendered: str) -> int:
    """Against the schemas of Kubernetes itself, unknown fields included; how many objects there were."""
    count = 0
    for one in objects(rendered):
        if one["apiVersion"].endswith("coreos.com/v1"):
            continue  # of the Prometheus operator, not of Kubernetes
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
        count += 1
    return count


def test_the_chart_is_good_in_helms_own_eyes() -> None:
    assert "0 chart(s) failed" in good(judge("helm", "lint", "--strict", CHART, "--set", SECRETS))


def test_a_plain_installation_is_valid_kubernetes_and_has_both_roles() -> None:
    rendered = good(template("--set", SECRETS))
    assert validate(rendered) == 12
    found = kinds(rendered)
    for role in ("api", "worker"):
        for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"):
            assert (kind, f"genie-clustergenie-{role}") in found
    assert ("Job", "genie-clustergenie-migration") in found
    assert not any("log-consumer" in name for _, name in found)


def test_an_installation_with_everything_is_valid_kubernetes(everything: Path) -> None:
    rendered = good(template("--values", everything))
    assert validate(rendered) == 14
    found = kinds(rendered)
    assert ("Deployment", "genie-clustergenie-log-consumer") in found
    assert ("HorizontalPodAutoscaler", "genie-clustergenie-api") not in found
    assert ("Secret", "genie-clustergenie") not in found
    monitor = next(one for one in objects(rendered) if one["kind"] == "PodMonitor")
    assert monitor["spec"]["podMetricsEndpoints"][0]["authorization"]["credentials"] == {
        "name": "scrape",
        "key": "token",
    }


def test_a_field_that_kubernetes_does_not_know_is_caught() -> None:
    rendered = good(template("--set", SECRETS)).replace("terminationGracePeriodSeconds", "terminationGraceSeconds")
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGraceSeconds"):
        validate(rendered)


def test_no_pod_runs_as_root_writes_to_its_image_or_holds_a_token(everything: Path) -> None:
    pods = [
        one["spec"]["template"]["spec"]
        for rendered in (good(template("--set", SECRETS)), good(template("--values", everything)))
        for one in objects(rendered)
        if one["kind"] in ("Deployment", "Job")
    ]
    assert len(pods) == 9
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert not container["image"].endswith(":latest")


def test_being_alive_and_being_ready_are_asked_apart_and_ending_takes_longer_than_draining() -> None:
    for one in objects(good(template("--set", SECRETS))):
        if one["kind"] != "Deployment" or "cloud" in one["metadata"]["name"]:
            continue
        pod = one["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert pod["terminationGracePeriodSeconds"] >= 45
        assert [rule["topologyKey"] for rule in pod["topologySpreadConstraints"]] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]


def test_the_secret_and_the_migration_come_before_the_pods_in_this_order() -> None:
    hooks = {
        one["kind"]: one["metadata"]["annotations"]
        for one in objects(good(template("--set", SECRETS)))
        if "helm.sh/hook" in one["metadata"].get("annotations", {})
    }
    assert set(hooks) == {"Secret", "Job"}
    assert {hook["helm.sh/hook"] for hook in hooks.values()} == {"pre-install,pre-upgrade"}
    assert int(hooks["Secret"]["helm.sh/hook-weight"]) < int(hooks["Job"]["helm.sh/hook-weight"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("", "Name a Secret with existingSecret"),
        ("secrets.databaseUrl=mysql://a@b/c", "secrets.secretKey is missing"),
        ("secrets.databaseUrl=mysql://a@b/c,secrets.secretKey=short", "secretKey"),
        (f"{SECRETS},providers=local", "providers"),
        ("secrets.databaseUrl=sqlite:///x", "databaseUrl"),
        (f"{SECRETS},api.replicas=-1", "minimum"),
        (f"{SECRETS},api.replcas=3", "replcas"),
        (f"{SECRETS},image.tag=latest", "tag"),
        (f"{SECRETS},logLevel=loud", "logLevel"),
        (f"{SECRETS},kafka.brokers=nowhere", "brokers"),
        (f"{SECRETS},basePath=/x/", "basePath"),
        (f"{SECRETS},logConsumer.enabled=true,kafka.brokers=k:9092", "lokiUrl"),
        (f"{SECRETS},logConsumer.enabled=true,logConsumer.lokiUrl=http://l:1", "give kafka.brokers"),
        (f"{SECRETS},podMonitor.enabled=true", "tokenSecret.name"),
    ],
)
def test_values_that_cannot_work_are_refused_with_the_name_of_the_wrong_one(values: str, said: str) -> None:
    told = template("--set", values)
    assert told.returncode != 0
    assert said in told.stderr


def test_the_chart_is_of_the_version_of_the_package_and_carries_the_same_log_consumer() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == clustergenie.__version__
    consumer = "log-consumer.yaml"
    assert (CHART / "files" / consumer).read_text() == (DEPLOY / "vector" / consumer).read_text()


def test_the_image_the_compose_file_and_the_chart_agree_on_who_runs_it() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    number = re.search(r"^USER (\d+):\1$", dockerfile, re.MULTILINE)
    assert number
    assert f"runAsUser: {number[1]}" in (CHART / "templates" / "_parts.tpl").read_text()
    assert f"/data:uid={number[1]},gid={number[1]}" in (DEPLOY / "docker-compose.yml").read_text()
    python = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)\.\d+-", dockerfile, re.MULTILINE)
    assert python
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert f"Programming Language :: Python :: {python[1]}" in classifiers
