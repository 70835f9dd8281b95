"""Ask before something is lost; without a terminal, refuse and say which flag answers."""

import sys

from clustergenie.cli.failures import Failed, Usage


def by_name(what: str, name: str, loss: str, *, yes: bool) -> None:
    """Let the user type the name of what will be gone; raises Failed if they type anything else."""
    if yes:
        return
    _need_terminal(what)
    if _ask(f"This deletes {what} {name!r} {loss}.\nType its name to go on: ") != name:
        raise Failed(f"The name does not match; {what} {name!r} was not touched.")


def yes_or_no(question: str, *, yes: bool) -> None:
    """Ask for a plain yes; raises Failed on anything else."""
    if yes:
        return
    _need_terminal("this")
    if _ask(f"{question} [y/N] ").lower() not in {"y", "yes"}:
        raise Failed("Nothing was done.")


def _need_terminal(what: str) -> None:
    if not sys.stdin.isatty():
        raise Usage(f"There is no terminal to confirm {what} on; add --yes to go ahead without asking.")


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
