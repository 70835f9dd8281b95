"""`clustergenie api`: any call, with the CLI's server and credentials."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from clustergenie.cli import output
from clustergenie.cli.failures import Usage
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.client import Client

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
AT_THE_ROOT = ("/healthz", "/readyz", "/openapi.json", "/observability", "/docs")
Fields = Annotated[Sequence[str], Parameter(name=["--query", "-q"], negative="", help="NAME=VALUE; repeat it.")]
Headers = Annotated[Sequence[str], Parameter(name=["--header", "-H"], negative="", help="NAME: VALUE; repeat it.")]


def api(
    method: str,
    path: str,
    /,
    *,
    data: str | None = None,
    query: Fields = (),
    header: Headers = (),
    root: bool = False,
    include: bool = False,
    options: Options = DEFAULTS,
) -> None:
    """Call any endpoint: `api GET /clusters`, `api POST /jobs --data '{"type": "noop", "parameters": {}}'`.

    Args:
        method: GET, POST, PUT, DELETE…
        path: Under /api/v1, as in /clusters.
        data: The JSON body; @FILE reads it from a file, @- from stdin.
        root: The path stands at the server's root, as in `api GET /metrics --root`.
        include: Print the status and the headers of the answer, on stderr.
    """
    verb = method.upper()
    if verb not in METHODS:
        raise Usage(f"{method!r} is not a method; use one of {', '.join(METHODS)}.")
    with options.client() as client:
        reply = _send(client, verb, path, _body(data), _pairs(query, "="), _pairs(header, ":"), root=root)
    if include:
        output.note("\n".join([f"HTTP {reply.status}", *(f"{name}: {value}" for name, value in reply.headers.items())]))
    if "json" in reply.headers.get("content-type", ""):
        options.body(reply.json())
    else:
        output.data(reply.body.decode(errors="replace"))


def _send(
    client: Client, verb: str, path: str, body: object, query: dict[str, str], headers: dict[str, str], *, root: bool
) -> Any:
    path, question, rest = ("/" + path.lstrip("/")).partition("?")
    if question:
        query = dict(pair.partition("=")[::2] for pair in rest.split("&")) | query
    path = path.removeprefix("/api/v1") if path.startswith("/api/v1/") else path
    at_root = root or any(path == known or path.startswith(f"{known}/") for known in AT_THE_ROOT)
    return client.request(verb, path, query=query, body=body, headers=headers, root=at_root)


def _body(data: str | None) -> object:
    if data is None:
        return None
    if data.startswith("@"):
        try:
            data = sys.stdin.read() if data == "@-" else Path(data[1:]).read_text()
        except OSError as reason:
            raise Usage(f"--data {data} cannot be read: {reason.strerror}.") from reason
    try:
        return json.loads(data)
    except ValueError as broken:
        raise Usage(f"--data is not JSON: {broken}.") from broken


def _pairs(given: Sequence[str], between: str) -> dict[str, str]:
    pairs = {}
    for pair in given:
        name, found, value = pair.partition(between)
        if not (name and found):
            raise Usage(f"{pair!r} is not NAME{between}VALUE.")
        pairs[name.strip()] = value.strip()
    return pairs
