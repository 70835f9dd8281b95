"""Settings come from four places in a known order; a wrong one stops the start and says which and why."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from clustergenie.platform import config
from clustergenie.platform.config import Settings
from clustergenie.platform.errors import CannotStart


def load(directory: Path, environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
    return config.load(flags, environ or {}, directory)


def in_file(directory: Path, text: str) -> None:
    (directory / "clustergenie.toml").write_text(text)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    environ = {"CLUSTERGENIE_PORT": "8002", "CLUSTERGENIE_WORKER_COUNT": "2"}
    in_file(tmp_path, "port = 8001\nworker_count = 1\nworker_queue = 7\n")
    settings = load(tmp_path, environ, port=8003)
    assert (settings.port, settings.worker_count, settings.worker_queue) == (8003, 2, 7)
    assert settings.host == "127.0.0.1"
    assert settings.origins == {
        "port": "the command line",
        "worker_count": "the environment",
        "worker_queue": "clustergenie.toml",
    }


def test_the_first_apis_variables_hold(tmp_path: Path) -> None:
    settings = load(tmp_path, {"ENVIRONMENT": "prod", "LOG_LEVEL": "debug", "CLUSTERGENIE_WORKER_QUEUE": "9"})
    assert (settings.environment, settings.log_level, settings.worker_queue) == ("prod", "debug", 9)


def test_an_empty_variable_and_a_flag_that_was_not_given_say_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, {"CLUSTERGENIE_PORT": ""}, port=None).origins == {}


def test_the_database_is_in_the_data_directory_unless_it_is_named(tmp_path: Path) -> None:
    assert load(tmp_path, {"CLUSTERGENIE_DATA_DIR": "/srv/cg"}).database_path() == Path("/srv/cg/clustergenie.db")
    url = {"CLUSTERGENIE_DATABASE_URL": "sqlite:////srv/other.db"}
    assert load(tmp_path, url).database_path() == Path("/srv/other.db")


def test_a_relative_data_directory_is_made_absolute_and_home_is_known(tmp_path: Path) -> None:
    assert load(tmp_path, {"CLUSTERGENIE_DATA_DIR": "here"}).data_dir == Path.cwd() / "here"
    assert load(tmp_path, {"CLUSTERGENIE_DATA_DIR": "~/cg"}).data_dir == Path.home() / "cg"


def test_a_value_can_come_from_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("8123\n")
    assert load(tmp_path, {"CLUSTERGENIE_PORT_FILE": str(tmp_path / "port")}).port == 8123


def test_the_settings_file_can_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("port = 8055")
    assert load(tmp_path, {"CLUSTERGENIE_CONFIG": str(tmp_path / "mine.toml")}).port == 8055


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("localhost", "http://127.0.0.1:8080")],
)
def test_the_address_of_the_server_is_one_a_process_here_can_use(tmp_path: Path, host: str, url: str) -> None:
    assert load(tmp_path, host=host).server_url() == url


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CLUSTERGENIE_PORT": "http"}, ["CLUSTERGENIE_PORT (--port)", "'http'", "the environment", "whole number"]),
        ({"CLUSTERGENIE_PORT": "70000"}, ["CLUSTERGENIE_PORT (--port)", "70000", "from 0 to 65535"]),
        ({"CLUSTERGENIE_WORKER_COUNT": "0"}, ["CLUSTERGENIE_WORKER_COUNT", "from 1 to 1000"]),
        ({"CLUSTERGENIE_HEARTBEAT_SECONDS": "nan"}, ["CLUSTERGENIE_HEARTBEAT_SECONDS", "from 0.2 to 300"]),
        ({"LOG_LEVEL": "loud"}, ["LOG_LEVEL (--log-level)", "'loud'", "debug, info, warning, error"]),
        ({"ENVIRONMENT": "a b"}, ["ENVIRONMENT", "'a b'"]),
        (
            {"CLUSTERGENIE_HOST": "192.0.2.1", "CLUSTERGENIE_AUTH": "off"},
            ["CLUSTERGENIE_HOST", "'192.0.2.1'", "loopback"],
        ),
        ({"CLUSTERGENIE_PROVIDERS": " , "}, ["CLUSTERGENIE_PROVIDERS", "at least one"]),
        ({"CLUSTERGENIE_DATABASE_URL": "oracle://u:secret@h/d"}, ["CLUSTERGENIE_DATABASE_URL", "'oracle'"]),
        ({"CLUSTERGENIE_CONFIG": "/no/such/file"}, ["CLUSTERGENIE_CONFIG", "/no/such/file", "does not exist"]),
        ({"CLUSTERGENIE_PORT_FILE": "/no/such/file"}, ["CLUSTERGENIE_PORT_FILE", "/no/such/file", "No such file"]),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name_its_origin_and_what_it_may_be(
    tmp_path: Path, environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(CannotStart) as refused:
        load(tmp_path, environ)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "secret" not in sentence
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", ["unknown setting 'prot'", "port"]),
        ("port = [", ["cannot be read", "clustergenie.toml"]),
        ("port = 'x'", ["CLUSTERGENIE_PORT", "clustergenie.toml", "whole number"]),
        ("port = true", ["CLUSTERGENIE_PORT", "clustergenie.toml", "whole number"]),
        ("providers = 3", ["CLUSTERGENIE_PROVIDERS", "clustergenie.toml"]),
    ],
)
def test_a_wrong_settings_file_stops_the_start(tmp_path: Path, text: str, words: list[str]) -> None:
    in_file(tmp_path, text)
    with pytest.raises(CannotStart) as refused:
        load(tmp_path)
    for word in words:
        assert word in str(refused.value)
