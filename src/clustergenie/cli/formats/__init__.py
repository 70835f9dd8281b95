"""Print rows or bodies in the format that was asked for; a format's module is loaded when it is used."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

FORMATS = {
    "table": "clustergenie.cli.formats.plain:table",
    "wide": "clustergenie.cli.formats.plain:table",
    "detail": "clustergenie.cli.formats.plain:detail",
    "name": "clustergenie.cli.formats.plain:names",
    "json": "clustergenie.cli.formats.as_json:document",
    "yaml": "clustergenie.cli.formats.as_yaml:document",
    "csv": "clustergenie.cli.formats.as_csv:sheet",
}


def render(name: str, columns: Sequence[Any], body: object, *, header: bool) -> str:
    """The text of `body` in a format."""
    module, _, function = FORMATS[name].partition(":")
    return str(getattr(import_module(module), function)(columns, body, header))
