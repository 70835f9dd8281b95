"""`clustergenie config …`: this command's own settings."""

from clustergenie.cli import output, preferences
from clustergenie.cli.failures import Usage
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.tables import shape
from clustergenie.client import DEFAULT_SERVER

SETTING = shape("setting", "name", "value", "origin", "meaning", ident="name")
FALLBACK = {"server": DEFAULT_SERVER, "output": "table"}


def show_config(*, options: Options = DEFAULTS) -> None:
    """Show each setting, its value and where it comes from."""
    rows = []
    for name, meaning in preferences.KNOWN.items():
        value, origin = preferences.origin(name)
        rows.append({"name": name, "value": value or FALLBACK.get(name), "origin": origin, "meaning": meaning})
    options.rows(SETTING, rows)


def set_config(name: str, value: str, /) -> None:
    """Keep a setting in the config file: `config set server https://ops.example.com/genie`.

    Args:
        name: server, token_file or output.
        value: Its value.
    """
    _check(name)
    preferences.store({**preferences.stored(), name: value})
    output.note(f"{name} is {value} now, kept in {preferences.file()}.")


def unset_config(name: str, /) -> None:
    """Drop a setting from the config file.

    Args:
        name: server, token_file or output.
    """
    _check(name)
    preferences.store({kept: value for kept, value in preferences.stored().items() if kept != name})
    output.note(f"{name} is no longer kept in {preferences.file()}.")


def _check(name: str) -> None:
    if name not in preferences.KNOWN:
        raise Usage(f"There is no setting {name!r}; there are: {', '.join(preferences.KNOWN)}.")
