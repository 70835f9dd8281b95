"""What is true of the repository as a whole: its locks, scripts, licence and README."""

import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from clustergenie.cli.commands import SECTIONS, Command, Noun
from clustergenie.cli.serve import serve
from clustergenie.platform import config

ROOT = Path(__file__).parent.parent

# Spelled in halves, or this file would be the first to be found.
REGISTRY_HOSTS = (
    "pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "npmjs" + ".com", "crates" + ".io", "golang" + ".org",
    "maven" + ".org", "maven" + ".apache.org", "deb" + ".debian.org", "archive" + ".ubuntu.com",
)  # fmt: skip


def tracked() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [file for name in told.split("\0") if name and (file := ROOT / name).is_file()]


def registry_hosts_in(texts: Mapping[str, str]) -> list[str]:
    """Files that name a package registry: where packages come from is the installing machine's affair."""
    return [f"{name}: names {host}" for name, text in texts.items() for host in REGISTRY_HOSTS if host in text]


def test_no_registry_is_named_anywhere() -> None:
    texts = {str(file.relative_to(ROOT)): file.read_text(errors="replace") for file in tracked()}
    assert len(texts) > 20
    assert registry_hosts_in(texts) == []


def test_a_registry_in_a_lock_is_caught() -> None:
    sample = {"requirements.lock": "--index-url https://" + "pypi" + ".org/simple\nalembic==1.0"}
    assert registry_hosts_in(sample) == ["requirements.lock: names " + "pypi" + ".org"]


def pins(lock: str) -> dict[str, str]:
    """name → version of each entry of a lock."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", lock, re.MULTILINE))


def lock_faults(wanted: list[str], lock: str) -> Iterator[str]:
    """What a lock lacks: a wanted package, a fitting version, or hashes."""
    pinned = pins(lock)
    for line in wanted:
        requirement = Requirement(line)
        name = requirement.name.lower().replace("_", "-")
        if name not in pinned or Version(pinned[name]) not in requirement.specifier:
            yield f"{line} is not what is locked ({pinned.get(name)}): run tools/lock.sh"
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if "==" not in entry.split("\n")[0] or "--hash=sha256:" not in entry:
            yield f"{entry.splitlines()[0]} has no hash or is not a pin"


def test_the_locks_hold_what_the_project_asks_for_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    core = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    assert list(lock_faults(core, (ROOT / "requirements.lock").read_text())) == []
    development = core + project["dependency-groups"]["dev"]
    assert list(lock_faults(development, (ROOT / "requirements-dev.lock").read_text())) == []


def test_both_locks_agree() -> None:
    core, development = (pins((ROOT / f"requirements{kind}.lock").read_text()) for kind in ("", "-dev"))
    assert core.items() <= development.items()


def test_a_lock_that_lags_behind_is_caught() -> None:
    good = "rich==14.1.0 \\\n    --hash=sha256:00\n    # via clustergenie"
    assert list(lock_faults(["rich>=14"], good)) == []
    assert list(lock_faults(["rich>=15"], good))
    assert list(lock_faults(["httpx"], good))
    assert list(lock_faults(["rich"], "rich==14.1.0"))
    assert list(lock_faults(["rich"], "--find-links /somewhere\n" + good))


def scripts() -> list[Path]:
    """Every shell script of ours."""
    return [file for file in tracked() if file.suffix == ".sh" or file.parent.name == ".ci"]


def script_faults(script: Path) -> Iterator[str]:
    """What keeps a script from being run, or from stopping at its first failure."""
    parsed = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
    if parsed.returncode:
        yield parsed.stderr
    if not script.stat().st_mode & 0o100:
        yield f"{script.name} is not executable"
    if "\nset -euo pipefail\n" not in script.read_text():
        yield f"{script.name} does not stop at its first failure (set -euo pipefail)"


def test_every_script_runs_and_stops_at_its_first_failure() -> None:
    assert {script.name for script in scripts()} >= {"start.sh", "stop.sh", "test.sh", "run"}
    assert [fault for script in scripts() for fault in script_faults(script)] == []


@pytest.mark.parametrize("text", ["#!/bin/bash\nset -euo pipefail\nif true; then\n", "#!/bin/bash\necho\n"])
def test_a_broken_script_is_caught(tmp_path: Path, text: str) -> None:
    script = tmp_path / "broken.sh"
    script.write_text(text)
    script.chmod(0o755)
    assert list(script_faults(script))


def test_ci_runs_what_everyone_runs() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec ./test.sh"


def test_the_licence_is_the_apache_licence_unmodified() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "[yyyy] [name of copyright owner]" in text
    assert text.rstrip().endswith("limitations under the License.")


def shell_lines(markdown: str) -> list[str]:
    """The commands in a document's `sh` and `console` blocks (in the latter, what follows a `$`)."""
    lines: list[str] = []
    for kind, block in re.findall(r"^```(sh|console)\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if kind == "sh" and line.strip() and not line.startswith("#"):
                lines.append(line)
            elif kind == "console" and line.startswith("$ "):
                lines.append(line[2:])
    return lines


def missing_scripts(markdown: str) -> list[str]:
    """Scripts that a document tells to run and that are not there."""
    named = {word for line in shell_lines(markdown) for word in line.split() if word.startswith("./")}
    return sorted(word for word in named if not (ROOT / word).is_file())


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_script_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    assert "./test.sh" in text
    assert missing_scripts(text) == []


def test_a_document_that_names_a_missing_script_is_caught() -> None:
    assert missing_scripts("```sh\n./begin.sh --now\n```\n") == ["./begin.sh"]


def known_commands() -> set[str]:
    """Every command of ours, as it is typed: "cluster list", "serve"."""
    found: set[str] = set()

    def add(words: tuple[str, ...], entries: Iterable[Command | Noun]) -> None:
        for entry in entries:
            for name in (entry.name, *entry.alias):
                if isinstance(entry, Noun):
                    add((*words, name), entry.verbs)
                else:
                    found.add(" ".join((*words, name)))

    for _, entries in SECTIONS:
        add((), entries)
    return found


def unknown_commands(markdown: str) -> list[str]:
    """Commands of ours that a document tells to type and that do not exist."""
    known, unknown = known_commands(), []
    for line in shell_lines(markdown):
        words = line.split()
        if words[0].rpartition("/")[2] == "clustergenie" and not words[1].startswith("-"):
            typed = {" ".join(words[1 : 1 + length]) for length in (1, 2, 3)}
            unknown += [] if typed & known else [line]
    return unknown


def test_every_command_in_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "clustergenie cluster create" in readme
    assert unknown_commands(readme) == []


def test_a_command_that_does_not_exist_is_caught() -> None:
    text = "```console\n$ clustergenie cluster list\noutput\n$ .venv/bin/clustergenie cluster conjure web\n```\n"
    assert unknown_commands(text) == [".venv/bin/clustergenie cluster conjure web"]


def test_the_readme_tells_every_setting_with_its_flag_and_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\S*) ?\| (.+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = {name: (flag, default) for name, flag, default in rows}
    flags = inspect.signature(serve).parameters
    for field in msgspec.structs.fields(config.Settings):
        if field.name == "origins":
            continue
        flag, default = told[config.variable(field.name)]
        assert flag == (f"`--{field.name.replace('_', '-')}`" if field.name in flags else ""), field.name
        if isinstance(field.default, int | float | str) and field.default:
            assert default == f"`{field.default}`".replace(".0`", "`"), field.name


def linked_files(document: Path) -> Iterator[Path]:
    """Where the relative links of a document lead."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            yield (document.parent / target).resolve()


def test_links_between_documents_lead_somewhere() -> None:
    documents = [file for file in tracked() if file.suffix == ".md"]
    assert [
        f"{file.name} → {target}" for file in documents for target in linked_files(file) if not target.exists()
    ] == []


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`", (ROOT / "docs" / "SECURITY.md").read_text())
    assert len(named) > 30
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []
