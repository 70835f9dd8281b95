"""`clustergenie …`: run and use a control plane from a terminal. What must be instant is answered here."""

import sys
from collections.abc import Sequence
from importlib import import_module

from clustergenie import __version__
from clustergenie.cli.frontpage import page


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (`clustergenie help exit-codes`)."""
    words = sys.argv[1:] if words is None else list(words)
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"clustergenie {__version__}\n")
        return 0
    if words[:1] == ["__complete"]:
        return int(import_module("clustergenie.cli.complete").main(words[1:]))
    if (text := page(words)) is not None:
        sys.stdout.write(text)
        return 0
    return int(import_module("clustergenie.cli.run").main(words))
