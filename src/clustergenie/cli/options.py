"""The flags that every client command takes: which server, as whom, and how to print the answer."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from clustergenie.cli import output, preferences
from clustergenie.cli.complete import offer
from clustergenie.cli.failures import Usage
from clustergenie.cli.formats import render
from clustergenie.cli.tables import Shape
from clustergenie.client import Client, read_token

Format = Literal["table", "wide", "json", "yaml", "name", "csv"]
FORMATS = ("table", "wide", "json", "yaml", "name", "csv")


def seconds(text: str) -> float:
    """`90`, `90s`, `10m` or `1h` as seconds."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    try:
        value = float(text[:-1]) * units[text[-1]] if text[-1:] in units else float(text)
    except ValueError:
        value = -1.0
    if value < 0:
        raise Usage(f"{text!r} is not a duration; write it as 90, 90s, 10m or 1h.")
    return value


ClusterRef = Annotated[str, Parameter(completer=offer("clusters"), help="Name or id of a cluster.")]
DropletRef = Annotated[str, Parameter(completer=offer("droplets"), help="Name or id of a droplet.")]
JobRef = Annotated[str, Parameter(completer=offer("jobs"), help="Id of a job.")]
ScheduleRef = Annotated[str, Parameter(completer=offer("schedules"), help="Name or id of a schedule.")]
Limit = Annotated[int | None, Parameter(help="At most this many.")]
Sort = Annotated[str | None, Parameter(help="Field to sort by; descending with a minus: --sort=-created_at.")]


def order(sort: str | None) -> dict[str, str]:
    """The query that sorts a list; {} leaves it to the server (newest first)."""
    if sort is None:
        return {}
    return {"sort_by": sort.removeprefix("-"), "sort_dir": "desc" if sort.startswith("-") else "asc"}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Where to ask and how to answer."""

    output: Annotated[Format | None, Parameter(name=["--output", "-o"], help="How to print (default: table).")] = None
    columns: Annotated[str | None, Parameter(help="Only these columns, comma-separated.")] = None
    no_header: Annotated[bool, Parameter(negative="", help="Leave the header line out.")] = False
    color: Annotated[Literal["auto", "always", "never"], Parameter(help="When to use colour.")] = "auto"
    server: Annotated[str | None, Parameter(help="The server's address (CLUSTERGENIE_SERVER).")] = None
    token_file: Annotated[Path | None, Parameter(help="File with the API key (CLUSTERGENIE_TOKEN_FILE).")] = None
    request_timeout: Annotated[str, Parameter(help="The longest one call may take.")] = "30s"

    def __post_init__(self) -> None:
        output.choose_colour(self.color)

    def client(self) -> Client:
        """A client for the chosen server."""
        server = self.server or preferences.get("server")
        client = Client(server, key=self._key(), timeout=seconds(self.request_timeout))
        if client.token is None and (kept := preferences.key_for(client.server)) is not None:
            client.close()
            return Client(server, key=kept, timeout=seconds(self.request_timeout))
        return client

    def _key(self) -> str | None:
        """The key that a flag or the settings name; None leaves it to the environment, then to what `login` kept."""
        if self.token_file:
            return read_token(self.token_file)
        if os.environ.get("CLUSTERGENIE_KEY") or os.environ.get("CLUSTERGENIE_TOKEN"):
            return None
        named = preferences.get("token_file")
        return read_token(Path(named)) if named else None

    @property
    def format(self) -> str:
        """The chosen output format."""
        chosen = self.output or preferences.get("output") or "table"
        if chosen not in FORMATS:
            raise Usage(f"{chosen!r} is not an output format; choose one of {', '.join(FORMATS)}.")
        return chosen

    @property
    def raw(self) -> bool:
        """Whether the API's own objects are printed, not rows made of them."""
        return self.format in {"json", "yaml"}

    def rows(self, shape: Shape, items: Iterable[Mapping[str, Any]]) -> None:
        """Print a list; JSON is the array of the API's objects."""
        found = list(items)
        if not found and self.format in {"table", "wide"}:
            output.note(f"No {shape.noun}s.")
            return
        self._print(shape, found, found)

    def one(self, shape: Shape, body: Mapping[str, Any], key: str) -> None:
        """Print one thing out of its envelope; JSON is the API's body, unchanged."""
        self._print(shape, [body[key]], body)

    def detail(self, shape: Shape, body: Mapping[str, Any], key: str) -> None:
        """Print one thing with every field on a line of its own."""
        if self.format in {"table", "wide"} and not self.columns:
            output.data(render("detail", shape.pick(wide=True), [body[key]], header=True))
            return
        self.one(shape, body, key)

    def body(self, body: object) -> None:
        """Print an answer that has no rows, as YAML or JSON."""
        output.data(render(self.format if self.raw else "json", (), body, header=True))

    def _print(self, shape: Shape, items: Sequence[Mapping[str, Any]], body: object) -> None:
        name = self.format
        columns = shape.named(self.columns) if self.columns else shape.pick(wide=name in {"wide", "csv"})
        output.data(render(name, columns, body if self.raw else items, header=not self.no_header))


DEFAULTS = Options()
