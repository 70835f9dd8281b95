"""The console's files and pages: what is hashed stays for ever, what is API is never a page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from clustergenie.platform.http import Console, Observed, UnderPath, build, console_routes

INDEX = (
    """<!doctype html><html><head><base href="/" /><script nonce="__CSP_NONCE__" src="./assets/app-1.js"></script>"""
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "assets" / "app-1.js").write_text("plain")
    (tmp_path / "assets" / "app-1.js.br").write_bytes(b"small")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    return tmp_path


@pytest.fixture
def client(built: Path) -> Iterator[TestClient[Any]]:
    routed: Any = build(console_routes, version="1", dependencies={"console": Console(built, "/tools/cg")})
    app: Any = UnderPath(Observed(routed, version="1"), "/tools/cg")
    with TestClient(app, base_url="http://test.local") as opened:
        yield opened


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/clusters",
        "/jobs/job-noop-1",
        "/tools/cg/",
        "/tools/cg/clusters/x",
        "/?a=1",
        "/jobs?status=failed",
        "/observability",
    ],
)
def test_every_page_is_the_one_page_with_its_own_nonce_and_base(client: TestClient[Any], path: str) -> None:
    first, second = client.get(path), client.get(path)
    assert first.status_code == 200
    assert '<base href="/tools/cg/" />' in first.text
    nonces = [re.search(r'nonce="([^"]+)"', answer.text) for answer in (first, second)]
    assert nonces[0] is not None
    assert nonces[1] is not None
    assert nonces[0][1] != nonces[1][1] != "__CSP_NONCE__"
    assert f"'nonce-{nonces[0][1]}'" in first.headers["content-security-policy"]
    assert "unsafe" not in first.headers["content-security-policy"]
    assert first.headers["cache-control"] == "no-cache"


def test_a_hashed_file_stays_for_ever_and_comes_compressed(client: TestClient[Any]) -> None:
    packed = client.get("/assets/app-1.js", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/tools/cg/assets/app-1.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "br"
    assert "immutable" in packed.headers["cache-control"]
    assert "content-encoding" not in plain.headers
    assert plain.text == "plain"
    assert plain.headers["content-type"].startswith("text/javascript")
    assert client.get("/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api", "/observability/nothing", "/assets/gone-2.js", "/gone.png", "/assets/../../etc/passwd"],
)
def test_what_is_not_there_is_json_even_for_a_browser(client: TestClient[Any], path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404 or "<base href" in answer.text  # a client that folds .. asks for a page
    assert "root:" not in answer.text
    if answer.status_code == 404:
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_no_path_leaves_the_folder(built: Path) -> None:
    outside = built.parent / "secret.txt"
    outside.write_text("secret")
    console = Console(built)
    for path in ("../secret.txt", "/../secret.txt", "assets/../../secret.txt", str(outside), "index.html", "."):
        assert console.file(path, "") is None


def test_without_a_build_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    page = Console(tmp_path).page()
    assert b"start.sh" in page.content


def test_head_answers_like_get(client: TestClient[Any]) -> None:
    assert client.head("/").status_code == 200
    assert client.head("/assets/app-1.js").headers["content-type"].startswith("text/javascript")
    assert client.head("/api/v1/nothing").status_code == 404
