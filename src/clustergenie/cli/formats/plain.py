"""Tables for people: aligned columns, colour beside the word, nothing cut off."""

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from clustergenie.cli.output import paint
from clustergenie.cli.tables import Column, colour_of

Rows = Sequence[Mapping[str, Any]]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def _safe(text: str) -> str:
    """One line without control characters: what a server stores must not move the user's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def table(columns: Sequence[Column], rows: Rows, header: bool) -> str:
    """One line per row, under a heading."""
    cells = [[_safe(column.read(row)) for column in columns] for row in rows]
    head = [[column.heading for column in columns]] if header else []
    widths = [max(map(_width, texts), default=0) for texts in zip(*head, *cells, strict=True)]
    lines = []
    for number, line in enumerate([*head, *cells]):
        padded = [_pad(t, w, right=c.right) for t, w, c in zip(line, widths, columns, strict=True)]
        if header and number == 0:
            lines.append(paint("  ".join(padded).rstrip(), "bold"))
        else:
            shown = (_tint(c, t, p) for c, t, p in zip(columns, line, padded, strict=True))
            lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)


def _tint(column: Column, text: str, padded: str) -> str:
    return paint(padded, colour_of(text)) if column.field in {"status", "outcome", "severity"} else padded


def detail(columns: Sequence[Column], rows: Rows, header: bool) -> str:
    """Every field of one thing on a line of its own."""
    del header
    width = max(len(column.heading) for column in columns)
    lines = []
    for row in rows:
        for column in columns:
            value = _safe(column.read(row))
            lines.append(f"{column.heading:<{width}}  {_tint(column, value, value)}")
    return "\n".join(lines)


def names(columns: Sequence[Column], rows: Rows, header: bool) -> str:
    """The ids alone, one a line, for the next command in a pipe."""
    del header
    return "\n".join(str(row.get("id") or row.get("ref") or columns[0].read(row)) for row in rows)
