"""Log lines as JSON with secrets removed, metrics under their public names, and the trace everything hangs on."""

import contextvars
import logging
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from clustergenie.platform import ids
from clustergenie.platform.clock import now, rfc3339
from clustergenie.platform.lines import Lines
from clustergenie.platform.redaction import REDACTED as REDACTED
from clustergenie.platform.redaction import redact as redact

SERVICE = "core-api"

_context: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("clustergenie", default={})  # noqa: B039 - never mutated, always replaced


def context() -> dict[str, str]:
    """What the current request or job is: request_id, trace_id, job_id, cluster_id. Do not change it; see `bound`."""
    return _context.get()


def trace_id() -> str:
    """The trace of the current request or job; a fresh one where there is none."""
    return _context.get().get("trace_id") or new_trace_id()


@contextmanager
def bound(**names: str | None) -> Iterator[None]:
    """Within the block, log lines carry these names."""
    token = _context.set({**_context.get(), **{key: value for key, value in names.items() if value}})
    try:
        yield
    finally:
        _context.reset(token)


def enter(names: dict[str, str]) -> contextvars.Token[dict[str, str]]:
    """Replace the context; for the HTTP middleware, which has no block to hang it on."""
    return _context.set(names)


def leave(token: contextvars.Token[dict[str, str]]) -> None:
    """Undo `enter`."""
    _context.reset(token)


# -- traces: W3C Trace Context, https://www.w3.org/TR/trace-context/

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")


def new_trace_id() -> str:
    """32 hexadecimal digits, never all zero."""
    return ids.trace_id()


def trace_of(traceparent: str | None) -> str:
    """The trace id in a `traceparent` header; a fresh one if the header is missing or malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return new_trace_id()
    return match[1]


def traceparent(trace: str) -> str:
    """A `traceparent` that continues `trace` with a new span."""
    return f"00-{trace}-{ids.span_id()}-01"


# -- log lines


def _redacted(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: redact(value, name) for name, value in line.items()}


def _with_context(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_context.get(), **line}


_lines = Lines()
_plain: dict[str, str] = {}
_plain_level = logging.CRITICAL  # until configured: a library that is only imported says nothing here


class _ToLines:
    """What structlog hands its finished lines to."""

    def msg(self, **line: Any) -> None:
        """One line, as keywords."""
        _lines.write(line)

    debug = info = warning = error = critical = exception = msg


def plain(level: str, message: str, **fields: object) -> None:
    """A line of the request path, where structlog would cost as much as the work: always the same shape, and never
    anything in it that could be secret (ids, numbers, names of ours), since nothing is redacted."""
    if getattr(logging, level.upper()) >= _plain_level:
        line = {**_plain, "level": level, "timestamp": rfc3339(now()), "message": message}
        _lines.write({**line, **_context.get(), **fields})


def flush_logs() -> None:
    """Write out what waits."""
    _lines.flush()


def configure_logs(level: str, environment: str) -> None:
    """Log to stdout, one JSON object a line, with the fields every consumer relies on."""
    global _plain, _plain_level
    _plain, _plain_level = {"service": SERVICE, "environment": environment}, getattr(logging, level.upper())

    def named(_logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": SERVICE, "environment": environment, "level": method, **line}

    def as_keywords(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
        return (), dict(line)

    structlog.configure(
        processors=[
            named,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            _with_context,
            _redacted,
            as_keywords,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: _ToLines(),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)


class _ToStructlog(logging.Handler):
    """Lines of libraries, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        method = getattr(log, record.levelname.lower(), log.info)
        method(record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


def log() -> Any:
    """The logger; use it as `log().info("droplet active", droplet_id=…)`."""
    return structlog.get_logger()


# -- metrics: names and labels are public (KTD §7)

registry = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

http_seconds = Histogram(
    "clustergenie_http_request_duration_seconds",
    "How long requests took.",
    ("method", "path", "status"),
    registry=registry,
    buckets=_SECONDS,
)
http_requests = Counter(
    "clustergenie_http_requests_total", "Requests answered.", ("method", "path", "status"), registry=registry
)
database_backlog = Gauge("clustergenie_database_backlog", "Writes that wait for the database.", registry=registry)
refusals = Counter(
    "clustergenie_refusals_total",
    "Requests and connections refused before any handler.",
    ("reason",),
    registry=registry,
)
