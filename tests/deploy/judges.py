"""The tools that judge what is in deploy/: brought by tools/deploy-tools.sh, which test.sh runs first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "clustergenie"
KUBERNETES = "1.33.0"


def find(name: str) -> str:
    """Where one of the tools is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "clustergenie" / "tools"
    tools = Path(os.environ.get("CG_TOOLS", cache)) / "bin"
    found = shutil.which(name, path=f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is not here: run tools/deploy-tools.sh"
    return found


def judge(name: str, *words: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What one of the tools says; stdout and stderr as text."""
    return subprocess.run([find(name), *map(str, words)], cwd=cwd, capture_output=True, text=True)


def good(told: subprocess.CompletedProcess[str]) -> str:
    """Its stdout, once it has nothing to say against what it was shown."""
    assert told.returncode == 0, f"{told.args}\n{told.stdout}{told.stderr}"
    return told.stdout


def template(*words: object) -> subprocess.CompletedProcess[str]:
    """`helm template` of the chart, as it would be installed under the name `genie`."""
    return judge("helm", "template", "genie", CHART, "--kube-version", KUBERNETES, *words)
