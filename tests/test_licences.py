"""What is shipped is on the bill of materials, at the versions that are locked, under licences that we may ship."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
RENEW = "run .venv/bin/python tools/sbom.py"
# Permissive, or weak copyleft that ends at the package's own files (MPL) or at a font (OFL).
ALLOWED = {
    *("MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "PSF-2.0", "Python-2.0"),
    *("MPL-2.0", "OFL-1.1", "Unlicense", "CC0-1.0", "Zlib", "BlueOak-1.0.0"),
}


def may_ship(expression: str) -> bool:
    """Whether an SPDX expression leaves us a choice that is allowed."""
    bare = expression.replace("(", "").replace(")", "")
    return all(any(one.strip() in ALLOWED for one in part.split(" OR ")) for part in bare.split(" AND "))


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return dict(json.loads((ROOT / "sbom.cdx.json").read_text()))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "tools" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bill_names_what_is_locked_and_bundled_and_nothing_else(bill: dict[str, Any], tool: ModuleType) -> None:
    listed = {(part["purl"], part["name"], part["version"]) for part in bill["components"]}
    now = {(part["purl"], part["name"], part["version"]) for part in tool.bill()["components"]}
    assert listed == now, RENEW
    kinds = {re.split("[:/]", part["purl"])[1] for part in bill["components"]}
    assert kinds == {"pypi", "npm"}
    refs = {part["bom-ref"] for part in bill["components"]}
    assert len(refs) == len(bill["components"])
    assert {ref for edge in bill["dependencies"] for ref in [edge["ref"], *edge["dependsOn"]]} <= refs


def test_everything_on_it_may_be_shipped(bill: dict[str, Any]) -> None:
    untold = [part["name"] for part in bill["components"] if not part.get("licenses")]
    assert untold == [], f"tell their licences in tools/sbom.py, and {RENEW}"
    refused = [part["name"] for part in bill["components"] if not may_ship(part["licenses"][0]["expression"])]
    assert refused == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("(MIT OR CC0-1.0)", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-or-later", False),
        ("", False),
        ("SEE LICENSE IN LICENSE.txt", False),
    ],
)
def test_a_licence_that_asks_too_much_is_caught(expression: str, allowed: bool) -> None:
    assert may_ship(expression) is allowed
