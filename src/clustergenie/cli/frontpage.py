"""The first page of the help and the table of exit codes, as text that costs nothing to make."""

from clustergenie import __version__
from clustergenie.cli.commands import SECTIONS

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
  --token-file F    or CLUSTERGENIE_TOKEN_FILE, CLUSTERGENIE_TOKEN
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


def text() -> str:
    """`clustergenie --help`."""
    lines = [f"clustergenie {__version__}: a control plane for fleets of small machines.", ""]
    lines += ["Usage: clustergenie COMMAND [ARGUMENTS]", "", EXAMPLES]
    for title, commands in SECTIONS:
        lines.append(f"{title}:")
        lines += [f"  {command.name:<12}{command.help}" for command in commands]
        lines.append("")
    return "\n".join([*lines, OUTPUT])


def exit_codes() -> str:
    """`clustergenie help exit-codes`."""
    rows = "".join(f"  {code:>3}  {meaning}\n" for code, meaning in EXIT_CODES)
    return f"Exit codes of every command:\n{rows}"
