"""The checks that ask the server: is it there, ready, of our version, and does its work move."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from clustergenie import __version__
from clustergenie.cli.doctor.check import Check
from clustergenie.client import ApiError, Client, ClientError, Reply, ServerError, Unreachable

SKEW_SECONDS = 5.0
QUEUE_SECONDS = 60.0


def checks(client: Client) -> Iterator[Check]:
    """Everything that can be asked over HTTP; after an unreachable server there is nothing more to ask."""
    asked = time.time()
    try:
        reply = client.request("GET", "/healthz", root=True)
    except Unreachable as gone:
        yield Check("server", "fail", str(gone), "start it with `clustergenie serve`, or name another with --server")
        return
    except ClientError as wrong:
        yield Check("server", "fail", f"{client.server} answers, but not well: {wrong}", "look at the server's log")
        return
    yield Check("server", "ok", f"{client.server} answered in {(time.time() - asked) * 1000:.0f} ms")
    yield _version(reply)
    yield _clock(reply, asked)
    yield from _ready(client)
    yield _access(client)
    yield _credentials(client)
    yield from _work(client)
    yield from _bus(client)


def _version(reply: Reply) -> Check:
    body: Any = reply.json() if "json" in reply.headers.get("content-type", "") else {}
    theirs = reply.headers.get("x-clustergenie-version") or (body.get("version") if isinstance(body, dict) else None)
    if theirs is None:
        return Check("version", "skipped", f"this command is {__version__}; the server does not say what it is")
    if theirs == __version__:
        return Check("version", "ok", f"command and server are {theirs}")
    why = f"this command is {__version__}, the server {theirs}"
    return Check("version", "warn", why, f"pip install clustergenie=={theirs}")


def _clock(reply: Reply, asked: float) -> Check:
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Check("clock", "skipped", "the server's answer carries no Date")
    apart = abs(theirs - (asked + time.time()) / 2)
    if apart <= SKEW_SECONDS:
        return Check("clock", "ok", f"at most {max(1.0, apart):.0f} s apart from the server's")
    return Check("clock", "fail", f"{apart:.0f} s apart from the server's", "let both machines set their clocks by NTP")


def _ready(client: Client) -> Iterator[Check]:
    try:
        body: Mapping[str, Any] = client.ready()
    except ServerError as not_ready:
        body = not_ready.problem
        yield Check("ready", "fail", not_ready.detail, "see the dependencies below and the server's log")
    except ClientError as wrong:
        yield Check("ready", "fail", str(wrong), "look at the server's log")
        return
    else:
        yield Check("ready", "ok", "the server takes requests")
    for name, state in _dependencies(body):
        good = state is True or str(state).lower() in {"ok", "ready", "up", "healthy", "true"}
        fix = "" if good else "look at the server's log"
        yield Check(f"ready: {name}", "ok" if good else "fail", str(state), fix)


def _dependencies(body: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    found = body.get("checks") or body.get("dependencies") or {}
    if isinstance(found, list):
        found = {item.get("name", "?"): item for item in found if isinstance(item, dict)}
    for name, state in found.items():
        yield str(name), state.get("status", state.get("ok", state)) if isinstance(state, dict) else state


def _access(client: Client) -> Check:
    """Who we are to the server, and whether it lets in anybody who is on its machine."""
    try:
        me = client.request("GET", "/auth/me").json()
    except ClientError as refused:
        return Check("access", "fail", str(refused), "clustergenie login, or set CLUSTERGENIE_KEY")
    who = me.get("principal")
    if who is None:
        return Check("access", "fail", "the server does not know who is asking", "clustergenie login")
    if me.get("setup_needed") and me.get("loopback"):
        why = "no API key yet: whoever is on the server's machine is its admin"
        return Check("access", "ok", why, "clustergenie auth setup-link, before others use that machine")
    return Check("access", "ok", f"{who['name']} ({who['kind']})")


def _credentials(client: Client) -> Check:
    try:
        client.request("GET", "/clusters", query={"page_size": 1})
    except ApiError as refused:
        fix = "clustergenie login, or CLUSTERGENIE_KEY" if refused.status in {401, 403} else "look at the server's log"
        return Check("api", "fail", f"GET /clusters: {refused.detail}", fix)
    except ClientError as wrong:
        return Check("api", "fail", str(wrong), "look at the server's log")
    return Check("api", "ok", "GET /clusters answers")


def _observed(client: Client, path: str) -> Mapping[str, Any]:
    body = client.request("GET", path, root=True).json()
    return body if isinstance(body, dict) else {}


def _work(client: Client) -> Iterator[Check]:
    try:
        body = _observed(client, "/observability/workerpool")
    except ClientError as wrong:
        yield Check("work", "skipped", f"/observability/workerpool: {wrong}")
        return
    active, count = body.get("active_workers", "?"), body.get("worker_count", "?")
    yield Check(
        "workers", "ok" if count else "fail", f"{active} of {count} slots busy", "" if count else "start a worker"
    )
    queue = body.get("queue") or {}
    yield _queue(queue)
    yield _leases(queue.get("workers") or [])


def _queue(queue: Mapping[str, Any]) -> Check:
    waited = float(queue.get("oldest_ready_seconds") or 0.0)
    why = f"{queue.get('ready', 0)} ready, {queue.get('running', 0)} running; the oldest has waited {waited:.0f} s"
    if waited <= QUEUE_SECONDS:
        return Check("queue", "ok", why)
    return Check("queue", "warn", why, "raise CLUSTERGENIE_WORKER_COUNT, or see what the running jobs wait for")


def _leases(workers: list[Mapping[str, Any]]) -> Check:
    stale = [str(w["id"]) for w in workers if _passed(w.get("lease_until"))]
    if not stale:
        return Check("leases", "ok", f"{len(workers)} workers, none of them stale")
    why = f"the lease of {', '.join(stale)} is over"
    return Check("leases", "warn", why, "that worker died or hangs; the rescue gives its jobs to the others")


def _passed(stamp: object) -> bool:
    return bool(stamp) and datetime.fromisoformat(str(stamp)).timestamp() < time.time()


def _bus(client: Client) -> Iterator[Check]:
    try:
        body = _observed(client, "/observability/bus")
    except ClientError as wrong:
        yield Check("bus", "skipped", f"/observability/bus: {wrong}")
        return
    dead = body.get("dead_letters")
    if dead:
        yield Check("bus", "warn", f"{dead} dead letters", "clustergenie events dlq list")
    else:
        yield Check("bus", "ok", "no dead letters")
