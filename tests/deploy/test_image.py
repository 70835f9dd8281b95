"""No registry of images is needed for these: the Dockerfile is judged by hadolint, and its steps are run here."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.judges import DEPLOY, ROOT, good, judge
from tests.live_server import free_port
from tests.passage import let_others_through
from tests.waiting import poll_until

DOCKERFILE = DEPLOY / "Dockerfile"
NOBODY = 65534


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile and its words, continued lines joined."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.partition(" ")
        if word and not word.startswith("#"):
            yield word, rest.strip()


def test_hadolint_has_nothing_against_the_dockerfile(tmp_path: Path) -> None:
    good(judge("hadolint", DOCKERFILE))
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(DOCKERFILE.read_text() + "\nRUN apt-get update && apt-get install curl\n")
    assert judge("hadolint", wrong).returncode != 0


def test_everything_the_image_copies_is_let_through_to_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        path.split("/")[0]
        for word, rest in instructions(DOCKERFILE.read_text())
        if word == "COPY" and "--from" not in rest
        for path in shlex.split(rest)[:-1]
    }
    assert "*" in ignored
    assert copied == let_in
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_the_image_is_nobody_special_and_asks_itself_how_it_is() -> None:
    last_stage = list(instructions(DOCKERFILE.read_text().rpartition("\nFROM ")[2]))
    said = dict(last_stage)
    assert said["USER"] == "10001:10001"
    assert said["HEALTHCHECK"].endswith('CMD ["clustergenie", "ready"]')
    assert said["ENTRYPOINT"] == '["clustergenie"]'
    assert [rest for word, rest in last_stage if word == "RUN" and ("pip" in rest or "npm" in rest)] == []


def steps(root: Path, opt: Path) -> Iterator[list[str]]:
    """The RUN lines of the build stage, for a folder instead of a container."""
    stage = DOCKERFILE.read_text().split("\nFROM ")[1]
    moved = {
        "/opt/clustergenie": shlex.quote(str(opt)),
        "/tmp/wheel": shlex.quote(str(root / "wheel")),
        "python -m venv --without-pip": f"{shlex.quote(anybodys_python())} -m venv --without-pip",
        "python -m venv .venv": f"{shlex.quote(sys.executable)} -m venv .venv",
    }
    for word, rest in instructions(stage):
        if word == "RUN":
            for there, here in moved.items():
                rest = rest.replace(there, here)
            yield ["bash", "-euo", "pipefail", "-c", rest]


def anybodys_python() -> str:
    """An interpreter that another user may run: ours may live in somebody's home."""
    ours = Path(sys.executable).resolve()
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in ours.parents)
    return str(ours) if open_to_all or os.geteuid() else "/usr/bin/python3"


def keep_layers(build: Path) -> None:
    """What has been made from the very same files stands in for the builder's cache: packages and pages."""
    (build / "web" / "node_modules").symlink_to((ROOT / "web" / "node_modules").resolve())
    made = ROOT / "src" / "clustergenie" / "_ui"
    if made.is_dir():
        shutil.copytree(made, build / "src" / "clustergenie" / "_ui")


def checkout(into: Path) -> None:
    """What the builder would be sent: files under version control, and of those what .dockerignore lets in."""
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wanted = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for name in told.split("\0"):
        if name.split("/")[0] in wanted and (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)


@pytest.mark.slow
def test_the_steps_of_the_dockerfile_make_a_server_that_runs_as_nobody_and_writes_only_its_data(tmp_path: Path) -> None:
    build, opt = tmp_path / "build", tmp_path / "opt"
    checkout(build)
    keep_layers(build)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("VIRTUAL_ENV", "PYTHON"))}
    for step in steps(build, opt):
        told = subprocess.run(step, cwd=build, env=environment, capture_output=True, text=True)
        assert told.returncode == 0, f"{step[-1]}\n{told.stdout[-2000:]}{told.stderr[-2000:]}"
    (build / "web" / "node_modules").unlink()
    shutil.rmtree(build)  # the image has only what was installed
    assert not (opt / "bin" / "pip").exists()
    page = next((opt / "lib").glob("python*/site-packages/clustergenie/_ui/index.html"))
    assert page.stat().st_size > 100
    serves_as_nobody(opt, tmp_path / "data")


def owned_by_nobody(data: Path) -> dict[str, Any]:
    """A folder for whom the server runs as, and what Popen is told to make it so; ourselves, where we are not root."""
    data.mkdir(mode=0o700)
    if os.geteuid() != 0:
        return {}
    os.chown(data, NOBODY, NOBODY)
    let_others_through(data)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def serves_as_nobody(opt: Path, data: Path) -> None:
    user = owned_by_nobody(data)
    before = set(opt.rglob("*"))
    environment = {
        "PATH": f"{opt / 'bin'}:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CLUSTERGENIE_DATA_DIR": str(data),
        "CLUSTERGENIE_PORT": str(free_port()),
        "CLUSTERGENIE_PROVIDERS": "simulated",
        "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated",
        "CG_TEST_RUN": os.environ["CG_TEST_RUN"],
    }
    command: dict[str, Any] = {"cwd": data, "env": environment, "text": True}
    ready, log = [opt / "bin" / "clustergenie", "ready"], data.with_name("server.log")
    with log.open("w") as out:
        serve = [opt / "bin" / "clustergenie", "serve"]
        server = subprocess.Popen(serve, **command, **user, stdout=out, stderr=out)

    def asked() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"It ended: {log.read_text()}")
        told = subprocess.run(ready, **command, capture_output=True)
        assert told.returncode == 0, told.stderr
        return True

    try:
        poll_until(asked, 60)
    finally:
        server.terminate()
        assert server.wait(60) == 0, log.read_text()
    assert subprocess.run(ready, **command, capture_output=True).returncode == 1
    assert set(opt.rglob("*")) == before
