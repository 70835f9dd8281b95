"""Write to the terminal: data to stdout, everything else to stderr. The only place that does."""

import os
import sys
from typing import TextIO

COLOURS = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "dim": "2", "bold": "1"}
_choice = {"colour": "auto"}


def data(text: str) -> None:
    """What was asked for."""
    sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")


def flush() -> None:
    """Hand on what was written: a reader at the other end of a pipe waits for it."""
    sys.stdout.flush()


def note(text: str) -> None:
    """Progress, hints and errors; never data."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def choose_colour(choice: str) -> None:
    """`auto`, `always` or `never`, for the rest of this process."""
    _choice["colour"] = choice


def coloured(stream: TextIO) -> bool:
    """Whether this stream gets colour: only a terminal does, and only if nobody objects."""
    if _choice["colour"] != "auto":
        return _choice["colour"] == "always"
    return lively(stream) and "NO_COLOR" not in os.environ


def lively(stream: TextIO) -> bool:
    """Whether a person watches this stream on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and "CI" not in os.environ


def paint(text: str, colour: str | None, stream: TextIO | None = None) -> str:
    """The text in a colour, if the stream (stdout) takes colour."""
    if not colour or not coloured(stream or sys.stdout):
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def progress_text(text: str) -> str:
    """A step's line for stderr, dimmed where that is possible."""
    return paint(text, "dim", sys.stderr)
