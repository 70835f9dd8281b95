"""Write the bill of materials of what is shipped: `tools/sbom.py` (CycloneDX 1.6, without times: the same in, the same out).

What: requirements.lock, and the packages of the console that are in its bundle (web/package-lock.json). Licences are those
that the installed packages tell, so run it in the environment of requirements-dev.lock.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
SBOM = ROOT / "sbom.cdx.json"
# Not told by the packages themselves, or not installed on this system; looked up in their sources.
LICENCES = {"colorama": "BSD-3-Clause", "uvloop": "MIT OR Apache-2.0", "rich-click": "MIT", "rich-rst": "MIT", "docutils": "BSD-2-Clause"}
CLASSIFIERS = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
    "The Unlicense (Unlicense)": "Unlicense",
}
WORDS = {"MIT License": "MIT", "Apache 2": "Apache-2.0", "Apache 2.0": "Apache-2.0", "BSD": "BSD-3-Clause"}


def pins(lock: str) -> dict[str, str]:
    """name → version of each entry of a lock."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", lock, re.MULTILINE))


def needed_by(lock: str) -> dict[str, list[str]]:
    """name → the packages that need it, as the lock's `via` comments tell."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=[a-z0-9])", lock):
        name = entry.partition("==")[0]
        found[name] = re.findall(r"#\s+(?:via )?([a-z0-9][a-z0-9._-]*)(?=\s|$)", entry.partition("# via")[2])
        found[name] += re.findall(r"# via ([a-z0-9][a-z0-9._-]*)", entry)
    return found


def licence_of(name: str) -> str:
    """The SPDX expression of an installed package's licence; empty when it tells none."""
    if name in LICENCES:
        return LICENCES[name]
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    known = [CLASSIFIERS[each] for each in classifiers if each in CLASSIFIERS]
    if known:
        return " OR ".join(known)
    word = str(told.get("License") or "").strip()
    return WORDS.get(word, word if len(word) < 40 and "\n" not in word else "")


def component(kind: str, name: str, version: str, licence: str) -> dict[str, object]:
    """One package."""
    purl = f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
    described = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return {**described, "licenses": [{"expression": licence}]} if licence else described


def bill() -> dict[str, object]:
    """The whole document."""
    lock = (ROOT / "requirements.lock").read_text()
    versions = pins(lock)
    parts = [component("pypi", name, version, licence_of(name)) for name, version in sorted(versions.items())]
    console = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    bundled = {
        (path.rpartition("node_modules/")[2], str(told["version"]), str(told.get("license", "")))
        for path, told in console.items()
        if path and not told.get("dev") and not told.get("devOptional") and not told.get("link")
    }
    parts += [component("npm", *each) for each in sorted(bundled)]
    above = needed_by(lock)
    edges: dict[str, list[str]] = {name: [] for name in versions}
    for name, users in above.items():
        for user in users:
            if user in edges and name in versions:
                edges[user].append(f"pkg:pypi/{name}@{versions[name]}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "clustergenie", "bom-ref": "clustergenie"}},
        "components": parts,
        "dependencies": [
            {"ref": f"pkg:pypi/{name}@{versions[name]}", "dependsOn": sorted(set(below))}
            for name, below in sorted(edges.items())
        ],
    }


def text() -> str:
    """What the file holds."""
    return json.dumps(bill(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SBOM.write_text(text())
    sys.stdout.write(f"{SBOM.relative_to(ROOT)}: {len(bill()['components'])} components\n")  # type: ignore[arg-type]
