"""Keep this command's own settings: flag, then environment, then the config file."""

import os
import tomllib
from pathlib import Path

KNOWN = {
    "server": "the address of the server",
    "token_file": "the file that holds the API key",
    "output": "how to print: table, wide, json, yaml, name or csv",
}


def file() -> Path:
    """Where the config file is (XDG base directory specification)."""
    if named := os.environ.get("CLUSTERGENIE_CLI_CONFIG"):
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "clustergenie" / "cli.toml"


def stored() -> dict[str, str]:
    """What the config file says; {} without one."""
    try:
        text = file().read_text()
    except OSError:
        return {}
    return {name: str(value) for name, value in tomllib.loads(text).items() if name in KNOWN}


def origin(name: str) -> tuple[str | None, str]:
    """The value of a setting and where it comes from."""
    variable = f"CLUSTERGENIE_{name.upper()}"
    if value := os.environ.get(variable):
        return value, variable
    if value := stored().get(name):
        return value, str(file())
    return None, "default"


def get(name: str) -> str | None:
    """The value of a setting, or None."""
    return origin(name)[0]


def store(values: dict[str, str]) -> None:
    """Write the config file anew."""
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, value in sorted(values.items()):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name} = "{escaped}"\n')
    path.write_text("".join(lines))
