import json

import yaml

from tests.cli.conftest import Cli


def test_the_schema_goes_up_tells_where_it_is_and_comes_down(cli: Cli) -> None:
    before = json.loads(cli("migrate", "status", "-o", "json").out)
    assert (before["current"], before["up_to_date"]) == (None, False)
    assert cli("migrate", "up") == (0, "", "The schema is at head.\n")
    assert yaml.safe_load(cli("migrate", "status", "-o", "yaml").out)["current"] == before["head"]
    assert cli("migrate", "down", "base", "--yes").code == 0
    assert json.loads(cli("migrate", "status").out)["current"] is None


def test_a_revision_that_is_not_there_is_a_sentence(cli: Cli) -> None:
    cli("migrate", "up")
    said = cli("migrate", "down", "nope", "--yes")
    assert (said.code, said.err.startswith("error: The schema of")) == (1, True)
