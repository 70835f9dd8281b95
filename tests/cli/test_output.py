import json

import pytest
import yaml

from tests.cli.conftest import Cli
from tests.cli.samples import cluster, droplet, page
from tests.client.toy_api import ToyApi, problem


@pytest.fixture(autouse=True)
def _two_clusters(api: ToyApi) -> None:
    api.on("GET", "/clusters", page("clusters", cluster(), cluster(id="cluster-2", name="db", status="degraded")))


def test_a_table_has_aligned_columns_under_headings(cli: Cli) -> None:
    said = cli("cluster", "list")
    assert said.code == 0
    assert said.out.splitlines()[0].split() == ["ID", "NAME", "STATUS", "ACTIVE", "REGION", "AGE", "HEALTH"]
    assert said.out.splitlines()[2].split()[:4] == ["cluster-2", "db", "degraded", "1/1"]
    assert "\x1b" not in said.out


def test_json_and_yaml_are_the_api_s_objects_unchanged(cli: Cli) -> None:
    wanted = [cluster(), cluster(id="cluster-2", name="db", status="degraded")]
    assert json.loads(cli("cluster", "ls", "-o", "json").out) == wanted
    assert yaml.safe_load(cli("clusters", "ls", "--output=yaml").out) == wanted


def test_one_thing_as_json_is_the_api_s_body(api: ToyApi, cli: Cli) -> None:
    api.on("POST", "/clusters", (201, {"cluster": cluster(), "message": "created"}))
    said = cli("cluster", "create", "web", "-o", "json")
    assert json.loads(said.out) == {"cluster": cluster(), "message": "created"}


def test_names_are_ids_for_the_next_command_in_a_pipe(cli: Cli) -> None:
    assert cli("cluster", "list", "-o", "name").out == "cluster-1\ncluster-2\n"


def test_csv_has_every_column_and_chosen_columns_only_those(cli: Cli) -> None:
    assert cli("cluster", "list", "-o", "csv").out.splitlines()[0].startswith("id,name,status,active,region")
    assert cli("cluster", "list", "--columns", "name,wanted_size", "--no-header").out == "web  1\ndb   1\n"
    assert cli("cluster", "list", "-o", "csv", "--columns", "name").out == "name\nweb\ndb\n"


def test_an_empty_list_is_an_empty_array_and_no_failure(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/clusters", page("clusters"))
    assert cli("cluster", "list", "-o", "json") == (0, "[]\n", "")
    assert cli("cluster", "list") == (0, "", "No clusters.\n")
    assert cli("cluster", "list", "-o", "name") == (0, "", "")


def test_wide_shows_more_and_get_shows_everything(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/droplets", page("droplets", droplet()))
    api.on("GET", "/droplets/droplet-1", {"droplet": droplet()})
    assert "USD/HOUR" not in cli("droplet", "list").out
    assert "$0.0089" in cli("droplet", "list", "-o", "wide").out
    assert "PORT           8000" in cli("droplet", "get", "droplet-1").out


def test_what_a_server_stores_cannot_move_the_cursor(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/clusters", page("clusters", cluster(name="evil\x1b[2J\nname")))
    assert "\x1b" not in cli("cluster", "list").out
    assert len(cli("cluster", "list", "--no-header").out.splitlines()) == 1


def test_colour_comes_only_when_asked_for_off_a_terminal(cli: Cli) -> None:
    assert "\x1b[32m" in cli("cluster", "list", "--color", "always").out
    assert "\x1b" not in cli("cluster", "list", "--color", "never").out


def test_an_error_is_a_sentence_with_its_fields_and_the_request_id(api: ToyApi, cli: Cli) -> None:
    wrong = [{"pointer": "/name", "detail": "must not be empty"}]
    api.on("POST", "/clusters", problem(422, "invalid", "The cluster is not valid.", errors=wrong))
    said = cli("cluster", "create", "x")
    assert said == (
        2,
        "",
        "error: The cluster is not valid.\n  /name: must not be empty\n  request id: req-1\n",
    )
    told = json.loads(cli("cluster", "create", "x", "-o", "json").err)["error"]
    assert (told["exit_code"], told["status"], told["errors"]) == (2, 422, wrong)
    assert told["request_id"] == "req-1"


@pytest.mark.parametrize(
    ("status", "code"), [(400, 1), (401, 4), (403, 4), (404, 5), (409, 6), (410, 5), (422, 2), (429, 1), (500, 1)]
)
def test_each_refusal_has_its_exit_code(api: ToyApi, cli: Cli, status: int, code: int) -> None:
    refusal = problem(status, "some-problem", "No.")
    api.on("GET", "/jobs/job-1", (*refusal[:2], {"Retry-After": "100"}))
    assert cli("job", "get", "job-1").code == code


def test_no_server_says_how_to_start_one(cli: Cli, free_port: int) -> None:
    said = cli("cluster", "list", "--server", f"http://127.0.0.1:{free_port}")
    assert (said.code, said.out) == (1, "")
    assert "clustergenie serve" in said.err
