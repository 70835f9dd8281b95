import json
from pathlib import Path

import pytest

from clustergenie.cli.complete import kind_of
from tests.cli.conftest import Cli
from tests.cli.samples import cluster, page
from tests.client.toy_api import ToyApi


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("cluster get ", "clusters"),
        ("droplet list --cluster ", "clusters"),
        ("health w", "clusters"),
        ("job watch ", "jobs"),
        ("events tail --droplet ", "droplets"),
        ("config set ", None),
        ("", None),
    ],
)
def test_the_words_before_the_cursor_say_what_is_wanted(line: str, kind: str | None) -> None:
    assert kind_of(line.split(" ")) == kind


def test_names_come_from_the_server_once_and_then_from_the_cache(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/clusters", page("clusters", cluster(), cluster(name="old", status="deleted")))
    assert cli("__complete", "cluster", "get", "").out == "\x1fbegin\nweb\thealthy\n"
    assert cli("__complete", "cluster", "get", "w").out == "\x1fbegin\nweb\thealthy\n"
    assert len(api.asked) == 1


def test_a_stale_cache_is_asked_anew(api: ToyApi, cli: Cli, tmp_path: Path) -> None:
    api.on("GET", "/clusters", page("clusters", cluster()))
    cli("__complete", "cluster", "get", "")
    cache = tmp_path / "cache" / "clustergenie" / "names.json"
    kept = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: {**entry, "at": 0} for key, entry in kept.items()}))
    cli("__complete", "cluster", "get", "")
    assert len(api.asked) == 2


def test_without_a_server_nothing_is_offered_and_nothing_is_said(
    cli: Cli, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTERGENIE_SERVER", f"http://127.0.0.1:{free_port}")
    assert cli("__complete", "cluster", "get", "") == (0, "\x1fbegin\n", "")


def test_a_broken_cache_does_not_matter(api: ToyApi, cli: Cli, tmp_path: Path) -> None:
    api.on("GET", "/clusters", page("clusters", cluster()))
    cache = tmp_path / "cache" / "clustergenie" / "names.json"
    cache.parent.mkdir(parents=True)
    cache.write_text("[")
    assert "web" in cli("__complete", "cluster", "get", "").out
