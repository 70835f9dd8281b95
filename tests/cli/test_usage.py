import json
from collections.abc import Iterator

import pytest

from clustergenie.cli.commands import SECTIONS, Command, Noun
from clustergenie.cli.tree import build
from tests.cli.conftest import Cli
from tests.cli.samples import cluster
from tests.client.toy_api import ToyApi


def every_command(entries: tuple[Command | Noun, ...], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for entry in entries:
        if isinstance(entry, Noun):
            yield from every_command(entry.verbs, (*path, entry.name))
        else:
            yield (*path, entry.name)


ALL = [words for _, entries in SECTIONS for words in every_command(entries)]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_loads_and_has_help(cli: Cli, words: tuple[str, ...]) -> None:
    said = cli(*words, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: clustergenie {' '.join(words)}")


def test_the_first_page_lists_every_command_and_the_parser_knows_it(cli: Cli) -> None:
    shown = cli().out
    assert shown == cli("--help").out == cli("help").out
    known = set(build())
    for _, entries in SECTIONS:
        for entry in entries:
            assert f"  {entry.name} " in shown
            assert entry.name in known


def test_a_noun_s_page_lists_its_verbs(cli: Cli) -> None:
    shown = cli("cluster", "--help").out
    assert shown == cli("cluster").out == cli("help", "clusters").out == cli("-h", "cluster").out
    assert shown.startswith("Usage: clustergenie cluster COMMAND")
    assert "  list (ls)" in shown
    assert "  replay" in cli("events", "dlq").out


def test_the_exit_codes_are_written_down(cli: Cli) -> None:
    assert "130  interrupted" in cli("help", "exit-codes").out


def test_help_before_a_command_is_its_help(cli: Cli) -> None:
    assert cli("help", "cluster", "list").out == cli("cluster", "list", "--help").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("clster", "list"), "Did you mean 'cluster'?"),
        (("cluster", "lst"), "Did you mean 'list'?"),
        (("events", "dlq", "rplay"), "Did you mean 'replay'?"),
        (("cluster", "list", "--regoin", "x"), "Did you mean --region?"),
        (("cluster", "list", "-o", "xml"), '"table", "wide", "json"'),
        (("cluster", "get"), "CLUSTER requires an argument"),
        (("cluster", "scale", "web"), "Give either a size"),
        (("cluster", "update", "web"), "Nothing to change"),
        (("job", "create", "noop", "-p", "count"), "not NAME=VALUE"),
        (("job", "watch", "job-1", "--timeout", "soon"), "not a duration"),
        (("loadgen", "--rate", "fast"), "not a rate"),
        (("loadgen", "--mix", "tea=1"), "not KIND=SHARE"),
        (("api", "FETCH", "/clusters"), "not a method"),
        (("api", "POST", "/jobs", "--data", "{"), "not JSON"),
        (("config", "set", "colour", "red"), "There is no setting 'colour'"),
        (("droplet", "exec", "web-1"), "Say what to run"),
        (("metrics", "post", "cpu", "1"), "--cluster or --droplet"),
        (("events", "dlq", "replay"), "--all"),
        (("completion", "tcsh"), '"bash", "zsh", "fish"'),
    ],
)
def test_a_wrong_command_line_says_what_would_be_right(
    api: ToyApi, cli: Cli, words: tuple[str, ...], sentence: str
) -> None:
    api.on("GET", "/jobs/job-1", {"job": {"id": "job-1", "status": "pending"}})
    said = cli(*words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err


def test_a_wrong_command_line_is_json_when_that_was_asked_for(cli: Cli) -> None:
    told = json.loads(cli("cluster", "lst", "-o", "json").err)
    assert told["error"]["exit_code"] == 2
    assert "Did you mean 'list'?" in told["error"]["detail"]


@pytest.mark.parametrize(
    "words",
    [
        ("cluster", "delete", "cluster-1"),
        ("droplet", "destroy-orphan", "m-1"),
        ("migrate", "down", "base"),
    ],
)
def test_nothing_is_asked_without_a_terminal(api: ToyApi, cli: Cli, words: tuple[str, ...]) -> None:
    api.on("GET", "/clusters/cluster-1", {"cluster": cluster()})
    said = cli(*words)
    assert said.code == 2
    assert "--yes" in said.err
    assert not [asked for asked in api.asked if asked.method != "GET"]
