import json
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.judges import DEPLOY, ROOT, good, judge

SERVERS = {"mysql", "redis", "kafka"}
OURS = {"migrate", "api", "worker", "proxy", "simulated-cloud"}
EVERYTHING = SERVERS | OURS | {"prometheus", "grafana", "loki", "vector", "log-consumer", "kafka-topics"}
ONE_SHOT = {"migrate", "kafka-topics"}
FROM_IMAGE = {"api", "worker"}  # their health check is in the Dockerfile
NO_CHECK = {"doors"}  # passes bytes on; what is behind it has checks


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/ with passwords of its own."""
    copy = tmp_path_factory.mktemp("full") / "deploy"
    shutil.copytree(DEPLOY, copy, ignore=shutil.ignore_patterns("secrets", ".env"))
    subprocess.run([DEPLOY / "secrets.sh", copy], check=True)
    return copy


def check(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The specification's own loader. It fills in defaults and knows no .env, so what has none is filled in here."""
    settings = (line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if "=" in line)
    text = (folder / "docker-compose.yml").read_text()
    for name, value in settings:
        text = re.sub(rf"\$\{{{name}:\?[^}}]*\}}", value, text)
    (folder / "filled.yml").write_text(text)
    return judge("compose-check", *words, "filled.yml", cwd=folder)


def config(folder: Path) -> dict[str, Any]:
    """The file as Compose's own loader understands it: interpolated, merged and checked against the specification."""
    loaded: dict[str, Any] = json.loads(good(check(folder, "-format", "json")))
    return loaded


@pytest.fixture(scope="module")
def services(there: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = config(there)["services"]
    return found


def test_profile_full_has_everything_and_profile_dev_only_the_servers(services: Mapping[str, Any]) -> None:
    members = {
        profile: {name for name, service in services.items() if profile in service["profiles"]}
        for profile in ("dev", "full")
    }
    assert members["full"] == EVERYTHING
    assert members["dev"] == SERVERS | {"doors"}
    assert [name for name, service in services.items() if not service["profiles"]] == []
    assert {name: services[name]["deploy"]["replicas"] for name in ("api", "worker")} == {"api": 2, "worker": 2}


def test_every_image_is_pinned_bounded_and_kept_from_new_privileges(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert tag != "latest", name
        assert "/" not in tag, f"{name} has no tag"
        assert re.fullmatch(r"\d{2,4}m|1g", service["mem_limit"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name


def test_everything_that_stays_up_says_how_it_is(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        check = service.get("healthcheck", {})
        if name in ONE_SHOT:
            assert service["restart"] == "no"
            assert check["disable"] is True
        elif name not in FROM_IMAGE | NO_CHECK:
            assert check["test"], name
    assert "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text()


def test_only_what_is_meant_to_be_reached_is_published_and_on_loopback(services: Mapping[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"proxy", "prometheus", "grafana", "doors"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_passwords_come_from_files_and_are_nobody_elses(there: Path, services: Mapping[str, Any]) -> None:
    secrets = {file.name: file.read_text() for file in (there / "secrets").iterdir()}
    text = json.dumps(services)
    words = {secrets[name] for name in secrets if name.endswith(("password", "key", "url"))}
    assert len(words) == 7
    assert [word for word in words if word in text] == []
    given = {s["source"] for service in services.values() for s in service.get("secrets", [])}
    assert given == set(secrets), "each secret is made by secrets.sh and used by a service"


def test_a_misspelt_key_is_caught(there: Path, tmp_path: Path) -> None:
    wrong = yaml.safe_load((there / "docker-compose.yml").read_text())
    wrong["services"]["redis"]["depnds_on"] = ["mysql"]
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump(wrong))
    shutil.copy(there / ".env", tmp_path)
    told = check(tmp_path)
    assert told.returncode != 0
    assert "depnds_on" in told.stdout + told.stderr


def test_without_passwords_made_first_nothing_starts(there: Path) -> None:
    told = judge("compose-check", "docker-compose.yml", cwd=there)
    assert told.returncode != 0
    assert "run deploy/secrets.sh, or ./start.sh --full" in told.stdout + told.stderr


def test_every_file_that_is_mounted_is_there(there: Path, services: Mapping[str, Any]) -> None:
    mounted = [
        Path(volume["source"])
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind" and not volume["source"].startswith("/var/")
    ]
    assert len(mounted) >= 8
    assert [path for path in mounted if not path.exists()] == []
    assert there in mounted[0].parents


def test_passwords_are_made_once_and_are_nobodys_to_read(tmp_path: Path) -> None:
    subprocess.run([DEPLOY / "secrets.sh", tmp_path], check=True)

    def content() -> dict[str, tuple[str, str]]:
        files = [tmp_path / ".env", *(tmp_path / "secrets").iterdir()]
        return {file.name: (stat.filemode(file.stat().st_mode), file.read_text()) for file in files}

    first = content()
    assert first[".env"][0] == "-rw-------"
    assert stat.filemode((tmp_path / "secrets").stat().st_mode) == "drwx------"
    (tmp_path / "secrets" / "scrape_token").write_text("a key that the operator has made")
    subprocess.run([DEPLOY / "secrets.sh", tmp_path], check=True)
    again = content()
    assert again.pop("scrape_token")[1] == "a key that the operator has made"
    assert again == {name: kept for name, kept in first.items() if name != "scrape_token"}
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run([DEPLOY / "secrets.sh", other], check=True)
    assert (other / "secrets" / "mysql_password").read_text() != first["mysql_password"][1]


def start_full(path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "start.sh", "--full"],
        env={"PATH": path, "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
    )


def test_without_docker_starting_everything_says_what_is_missing_and_what_else_there_is(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "env"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    told = start_full(str(tmp_path))
    assert told.returncode == 1
    assert "there is no 'docker' command here" in told.stderr
    assert "./start.sh runs the whole control plane as one process" in told.stderr


def test_without_an_engine_starting_everything_passes_on_why(tmp_path: Path) -> None:
    # Docker's own client where there is one; else what it says when nobody listens.
    client = tmp_path / "docker"
    client.write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///nobody. Is it running?' >&2\nexit 1\n"
    )
    client.chmod(0o755)
    told = start_full(f"{tmp_path}:/usr/bin:/bin")
    assert told.returncode == 1
    assert "needs a running Docker engine, and none answers: Cannot connect to the Docker daemon" in told.stderr


def test_loki_and_vector_agree_on_what_is_no_label() -> None:
    loki = yaml.safe_load((DEPLOY / "loki" / "loki.yml").read_text())
    schema = loki["schema_config"]["configs"][-1]
    assert (schema["store"], schema["schema"]) == ("tsdb", "v13")
    assert loki["limits_config"]["allow_structured_metadata"] is True
    assert loki["compactor"]["retention_enabled"] is True
    consumer = yaml.safe_load((DEPLOY / "vector" / "log-consumer.yaml").read_text())
    sink = consumer["sinks"]["loki"]
    assert set(sink["labels"]) == {"service", "environment", "level"}
    assert sink["structured_metadata"]
    assert all(
        consumer[kind][name]["acknowledgements"]["enabled"] for kind, name in [("sources", "lines"), ("sinks", "loki")]
    )


def test_both_halves_of_the_log_pipeline_name_the_same_topic() -> None:
    halves = [yaml.safe_load((DEPLOY / "vector" / name).read_text()) for name in ("vector.yaml", "log-consumer.yaml")]
    assert halves[0]["sinks"]["kafka"]["topic"] == halves[1]["sources"]["lines"]["topics"][0] == "logs.${ENVIRONMENT}"
