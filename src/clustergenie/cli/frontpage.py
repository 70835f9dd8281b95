"""The pages of the help that list commands, and the exit codes, as text that costs nothing to make."""

from collections.abc import Sequence

from clustergenie import __version__
from clustergenie.cli.commands import SECTIONS, Command, Noun

EXAMPLES = """\
Examples:
  clustergenie serve                          start a control plane on this machine
  clustergenie cluster create web --wanted-size 3 --wait
  clustergenie droplet list --cluster web -o wide
  clustergenie diagnose web
"""
OUTPUT = """\
Everywhere:
  -o table|wide|json|yaml|name|csv   --columns a,b   --no-header   --color auto|always|never
  --server URL      or CLUSTERGENIE_SERVER       (http://127.0.0.1:8080)
  --token-file F    or CLUSTERGENIE_KEY, CLUSTERGENIE_TOKEN_FILE, or what `clustergenie login` keeps
  -h, --help        on every command;  clustergenie help exit-codes;  clustergenie --version
"""
EXIT_CODES = (
    (0, "done"),
    (1, "failed, or the job that was waited for failed"),
    (2, "usage: the command line, or a value in it, is not valid"),
    (3, "changes are present (with --detailed-exitcode)"),
    (4, "not allowed: no or wrong credentials"),
    (5, "not found"),
    (6, "conflict with what is there"),
    (7, "the wait timed out; the work goes on"),
    (130, "interrupted with Ctrl-C; the work goes on"),
)


def page(words: Sequence[str]) -> str | None:
    """The page that these words ask for, if they ask for one that lists commands; a verb's page is the parser's."""
    path = [word for word in words if word not in {"--help", "-h"}]
    if path[:1] == ["help"]:
        path = path[1:]
    if path == ["exit-codes"] and len(words) > 1:
        return exit_codes()
    if not path:
        return first()
    found: Noun | None = None
    entries: tuple[Command | Noun, ...] = tuple(entry for _, section in SECTIONS for entry in section)
    names = []
    for word in path:
        entry = next((entry for entry in entries if word in (entry.name, *entry.alias)), None)
        if not isinstance(entry, Noun):
            return None
        found, entries = entry, entry.verbs
        names.append(entry.name)
    return noun(names, found) if found else None


def noun(path: Sequence[str], thing: Noun) -> str:
    """`clustergenie cluster --help`."""
    name = f"clustergenie {' '.join(path)}"
    shown = [(" ".join([verb.name, *(f"({alias})" for alias in verb.alias)]), verb.help) for verb in thing.verbs]
    width = max(len(verb) for verb, _ in shown) + 2
    lines = [f"  {verb:<{width}}{text}" for verb, text in shown]
    head = [f"Usage: {name} COMMAND [ARGUMENTS]", "", thing.help, "", "Commands:"]
    return "\n".join([*head, *lines, "", f"{name} COMMAND --help says more about one of them.", ""])


def first() -> str:
    """`clustergenie --help`."""
    lines = [f"clustergenie {__version__}: a control plane for fleets of small machines.", ""]
    lines += ["Usage: clustergenie COMMAND [ARGUMENTS]", "", EXAMPLES]
    width = max(len(command.name) for _, commands in SECTIONS for command in commands) + 2
    for title, commands in SECTIONS:
        lines.append(f"{title}:")
        lines += [f"  {command.name:<{width}}{command.help}" for command in commands]
        lines.append("")
    return "\n".join([*lines, OUTPUT])


def exit_codes() -> str:
    """`clustergenie help exit-codes`."""
    rows = "".join(f"  {code:>3}  {meaning}\n" for code, meaning in EXIT_CODES)
    return f"Exit codes of every command:\n{rows}"
