"""Notice a wrong command word before the parser loads, and say which one was meant."""

from collections.abc import Sequence
from difflib import get_close_matches

from clustergenie.cli.commands import SECTIONS, Command, Noun


def wrong_word(words: Sequence[str]) -> str | None:
    """The sentence for the first word that is no command; None if all of them are."""
    entries: tuple[Command | Noun, ...] = tuple(entry for _, section in SECTIONS for entry in section)
    path = "clustergenie"
    for word in words:
        if word.startswith("-"):
            return None
        found = next((entry for entry in entries if word in (entry.name, *entry.alias)), None)
        if found is None:
            return _sentence(path, word, [entry.name for entry in entries])
        if isinstance(found, Command):
            return None
        path, entries = f"{path} {found.name}", found.verbs
    return None


def _sentence(path: str, word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{path} has no command {word!r}.{hint} There are: {', '.join(known)}."
