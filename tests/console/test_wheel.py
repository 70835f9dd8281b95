"""The console travels in the package: checkout → sdist → wheel without Node → an installation of its own."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browsing import ROOT, Visit
from tests.live_server import Api, free_port
from tests.waiting import poll_until

# A PYTHONPATH would make a checkout win over what is installed.
OWN = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def build(folder: Path, target: str, into: Path) -> Path:
    """One artefact, with nothing on the PATH that could build the console."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    told = subprocess.run(command, cwd=folder, env={"PATH": str(into)}, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    [made] = into.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return made


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; only its dependencies are shared with ours."""
    place = tmp_path_factory.mktemp("wheel")
    with tarfile.open(build(ROOT, "sdist", place)) as sdist:
        sdist.extractall(place, filter="data")
    [unpacked] = [entry for entry in place.iterdir() if entry.is_dir()]
    assert not (unpacked / "web").exists()
    wheel = build(unpacked, "wheel", place)
    venv = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(venv), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return venv


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the installed server."""
    place, port = tmp_path_factory.mktemp("served"), free_port()
    command = [installed / "bin" / "clustergenie", "serve", "--data-dir", place / "data", "--port", str(port)]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place, env=OWN, stdout=log, stderr=log)
    try:
        poll_until(lambda: Api(port).send("GET", "//readyz").status == 200, 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def fetched(url: str, accepts: str) -> tuple[str, str, int]:
    """Content type, encoding and size of an answer that must be a success."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": accepts})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.headers.get("Content-Encoding", ""), len(answer.read())


def test_it_is_the_wheel_that_runs(installed: Path) -> None:
    told = subprocess.run(
        [installed / "bin" / "python", "-c", "import clustergenie; print(clustergenie.__file__)"],
        env=OWN,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith(str(installed))


def test_every_file_of_the_console_is_served_and_the_large_ones_compressed(installed: Path, served: str) -> None:
    [ui] = installed.glob("lib/python*/site-packages/clustergenie/_ui")
    manifest = json.loads((ui / ".vite" / "manifest.json").read_text())
    files = {chunk["file"] for chunk in manifest.values()}
    files |= {file for chunk in manifest.values() for file in (*chunk.get("css", []), *chunk.get("assets", []))}
    named = re.findall(r'(?:src|href)="\./([^"]+)"', (ui / "index.html").read_text())
    assert len(files) > 20
    assert len(named) > 2
    for file in sorted(files | set(named)):
        kind, encoding, size = fetched(f"{served}/{file}", "gzip, br")
        assert "html" not in kind, file
        assert encoding == "br" or size < 2_000 or not file.endswith((".js", ".css")), (file, encoding, size)


def test_it_shows_in_a_browser_also_by_a_deep_link(served: str, visiting: Callable[..., Visit]) -> None:
    visit = visiting(served)
    page = visit.open("/jobs?status=failed")
    expect(page.get_by_text("No job has failed")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Monitoring")
