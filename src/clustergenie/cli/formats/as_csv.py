"""CSV for spreadsheets (RFC 4180, with plain line feeds)."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from clustergenie.cli.tables import Column


def sheet(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], header: bool) -> str:
    """A line per row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow([column.field for column in columns])
    writer.writerows([[column.read(row) for column in columns] for row in rows])
    return text.getvalue()
