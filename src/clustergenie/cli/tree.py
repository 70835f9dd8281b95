"""Build the parser from the list of commands; a command's module is imported when it is called."""

from typing import Any

from cyclopts import App

from clustergenie.cli.commands import SECTIONS, Command, Noun


def _add(parent: App, entry: Command | Noun, group: str | None) -> None:
    extra: dict[str, Any] = {"group": group} if group else {}
    if isinstance(entry, Command):
        parent.command(entry.path, name=entry.name, alias=entry.alias, help=entry.help, **extra)
        return
    noun = App(name=entry.name, alias=entry.alias, help=entry.help, version_flags=[], **extra)
    for verb in entry.verbs:
        _add(noun, verb, None)
    parent.command(noun)


def build(name: str = "clustergenie") -> App:
    """The parser of the whole command line."""
    app = App(
        name=name,
        help="A control plane for fleets of small machines.",
        help_format="plaintext",
        version_flags=[],
        result_action="return_value",
    )
    for title, entries in SECTIONS:
        for entry in entries:
            _add(app, entry, title)
    return app
