"""Keep this command's own settings: flag, then environment, then the config file."""

import json
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


def keys() -> dict[str, str]:
    """The API keys that `login` has kept, by server."""
    try:
        kept = tomllib.loads(file().read_text()).get("keys", {})
    except OSError:
        return {}
    return {str(server): str(key) for server, key in kept.items()} if isinstance(kept, dict) else {}


def key_for(server: str) -> str | None:
    """The key that is kept for a server; it goes to no other."""
    return keys().get(server)


def store_key(server: str, key: str | None) -> bool:
    """Keep a key for a server, or forget it; whether there was one."""
    kept = keys()
    there = kept.pop(server, None) is not None
    if key is not None:
        kept[server] = key
    _write(stored(), kept)
    return there


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
    _write(values, keys())


def _write(values: dict[str, str], kept: dict[str, str]) -> None:
    """Whole or not at all, and for nobody else to read: there may be keys in it."""
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {_quoted(value)}\n" for name, value in sorted(values.items())]
    if kept:
        lines += ["\n[keys]\n", *(f"{_quoted(server)} = {_quoted(key)}\n" for server, key in sorted(kept.items()))]
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as writing:
        writing.write("".join(lines))
    temporary.replace(path)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
