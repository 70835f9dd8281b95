import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
import yaml

from clustergenie.cli.commands import SECTIONS, Command, Noun
from clustergenie.platform import config
from tests.deploy.judges import DEPLOY, good, template

NOT_SETTINGS = {"PATH", "PYTHONDONTWRITEBYTECODE"}
NAMES = {config.variable(field.name) for field in msgspec.structs.fields(config.Settings) if field.name != "origins"}
KNOWN = NAMES | {f"{name}_FILE" for name in NAMES} | NOT_SETTINGS
CHART = [
    "--set",
    "existingSecret=mine,kafka.brokers=k:9092,basePath=/genie,ingress.enabled=true,logConsumer.enabled=true,logConsumer.lokiUrl=http://l:1",
]


def commands() -> Iterator[tuple[str, ...]]:
    for _, entries in SECTIONS:
        for entry in entries:
            if isinstance(entry, Command):
                yield (entry.name,)
            elif isinstance(entry, Noun):
                yield from ((entry.name, verb.name) for verb in entry.verbs)


def of_compose() -> Iterator[tuple[list[str], set[str]]]:
    """Command and names of the environment of each container of ours."""
    loader = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    for service in loader["services"].values():
        if service["image"].startswith("clustergenie:"):
            yield service["command"], set(service["environment"])


def of_chart() -> Iterator[tuple[list[str], set[str]]]:
    for one in yaml.safe_load_all(good(template(*CHART))):
        if one and one["kind"] in ("Deployment", "Job"):
            container: Mapping[str, Any] = one["spec"]["template"]["spec"]["containers"][0]
            if container["image"].startswith("clustergenie:"):
                yield container["args"], {variable["name"] for variable in container.get("env", [])}


def of_units() -> Iterator[tuple[list[str], set[str]]]:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text()
        environment = " ".join(re.findall(r"^Environment=(.+)$", text, re.MULTILINE))
        started = re.search(r"^ExecStart=\S+ (.+)$", text, re.MULTILINE)
        assert started
        yield started[1].split(), set(re.findall(r"([A-Z_]+)=", environment))


def of_image() -> Iterator[tuple[list[str], set[str]]]:
    text = (DEPLOY / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    command = re.search(r"^CMD (\[.+\])$", text, re.MULTILINE)
    assert command
    yield (
        json.loads(command[1]),
        set(re.findall(r"\b([A-Z][A-Z_]+)=", re.sub(r"LABEL.*?\n(?=\S)", "", text, flags=re.DOTALL))),
    )


@pytest.mark.parametrize(("source", "least"), [(of_compose, 4), (of_chart, 4), (of_units, 2), (of_image, 1)])
def test_whatever_starts_us_uses_commands_and_settings_that_exist(source, least: int) -> None:
    found = list(source())
    assert len(found) >= least
    known = set(commands())
    for command, environment in found:
        assert {tuple(command[:1]), tuple(command[:2])} & known, command
        assert environment - KNOWN == set(), command


def test_what_the_chart_asks_for_of_its_user_are_the_roles_we_have() -> None:
    roles = {command[2] for source in (of_compose, of_chart) for command, _ in source() if "--role" in command}
    good_role, _ = config._RULES["role"]
    assert roles == {"api", "worker"}
    assert all(good_role(role) for role in roles)
