"""Put the built console into the package, so that the wheel has it and a wheel from the sdist needs no Node."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

UI = Path("src/clustergenie/_ui")
HOW = "Build it with web/tools/build.sh, or set CG_SKIP_UI=1 to build a package without the console."


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs for the sdist and the wheel; an editable install serves what start.sh has built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are gathered."""
        root = Path(self.root)
        if version == "editable" or os.environ.get("CG_SKIP_UI") == "1" or (root / UI / "index.html").is_file():
            return
        if not (root / "web" / "package.json").is_file():
            raise RuntimeError(f"The console is not built and its sources are not here. {HOW}")
        if shutil.which("bash") is None:
            raise RuntimeError(f"The console is not built, and building it needs bash. {HOW}")
        outcome = subprocess.run(["bash", str(root / "web" / "tools" / "build.sh")], check=False)
        if outcome.returncode != 0 or not (root / UI / "index.html").is_file():
            raise RuntimeError(f"The console could not be built; see above. {HOW}")
