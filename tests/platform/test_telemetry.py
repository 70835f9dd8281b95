"""No secret leaves in a log line, each line is one JSON object with the public fields, and a trace goes on."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergenie.platform import telemetry
from clustergenie.platform.telemetry import REDACTED, redact

TOKEN = "cgt_" + "Zk3Vb9_x" * 5  # fixed: it is part of test names, which every worker of a run must agree on


@pytest.mark.parametrize(
    "line",
    [
        {"token": "abc"},
        {"bootstrap_token": "abc"},
        {"Authorization": "Basic abc"},
        {"api_key": "abc", "apikey": "abc"},
        {"deep": [{"er": {"password": "abc"}}]},
        {"message": "enrolling with abc", "credential": "abc"},
        {"token": {"a": ["abc"], "b": {"c": "abc"}}},
        {"private_key": "abc", "set_cookie": ["abc"]},
    ],
)
def test_what_is_named_like_a_secret_is_removed(line: dict[str, Any]) -> None:
    cleaned = json.dumps({name: value for name, value in redact(line).items() if name != "message"})
    assert "abc" not in cleaned
    assert REDACTED in cleaned


@pytest.mark.parametrize(
    "text",
    [
        f"refused {TOKEN} today",
        f"https://example.org/?x={TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        "header was bearer abcdefghijklmnop==",
        "mysql://user:hunter2@db/clustergenie",
        "rediss://:hunter2@cache:6379/0",
        "https://issuer.example.org/callback?code=hunter2&state=x",
        "https://bucket.example.org/file?X-Sig=1&signature=hunter2",
        "connect with password=hunter2, then go on",
        "Authorization: Basic dXNlcjpodW50ZXIyaHVudGVyMg==",
        "Cookie: clustergenie_session=hunter2",
        f"id token eyJhbGciOiJub25lIn0.{'hunter2' * 4}.hunter2",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----",
        "digitalocean says dop_v1_" + "ab12" * 16,
        "aws says AKIA" + "ABCD1234" * 2,
    ],
)
def test_what_is_shaped_like_a_secret_is_removed_wherever_it_stands(text: str) -> None:
    cleaned = str(redact({"message": [text]}))
    assert REDACTED in cleaned
    for secret in (TOKEN, "abcdefghijklmnop", "hunter2", "ab12ab12", "ABCD1234", "dXNlcjpodW50"):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "line",
    [
        {"token_id": "key-1", "token_expires_at": "2026", "credential_ttl_seconds": "5"},
        {"message": "cluster web-1 is healthy", "cluster_id": "cluster-1", "progress": 30},
        {"url": "http://127.0.0.1:8080/api", "nothing": None, "yes": True},
        {"message": "basic information about the token: it is missing", "tokens": 5, "has_secret": True},
        {"detail": "/token: is missing", "url": "/jobs?type=noop&status=failed"},
    ],
)
def test_what_is_no_secret_stays(line: dict[str, Any]) -> None:
    assert redact(line) == line


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_redaction_takes_any_value_and_never_a_second_look(value: Any) -> None:
    once = redact({"a": value})
    assert redact(once) == once


@pytest.mark.parametrize(
    "header",
    [None, "", "x", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "00-" + "1" * 32 + "-" + "0" * 16 + "-01", "00-1-1-01"],
)
def test_a_traceparent_that_is_none_starts_a_new_trace(header: str | None) -> None:
    assert telemetry.trace_of(header) != telemetry.trace_of(header)
    assert len(telemetry.trace_of(header)) == 32


def test_a_trace_goes_on_through_its_header() -> None:
    trace = telemetry.new_trace_id()
    assert telemetry.trace_of(telemetry.traceparent(trace)) == trace


def test_names_are_bound_within_their_block_only() -> None:
    with telemetry.bound(job_id="job-1", cluster_id=None):
        with telemetry.bound(trace_id="t"):
            assert telemetry.context() == {"job_id": "job-1", "trace_id": "t"}
        assert telemetry.context() == {"job_id": "job-1"}
    assert telemetry.context() == {}


LINES = """
import logging
from clustergenie.platform.telemetry import bound, configure_logs, log
configure_logs("info", "test")
with bound(job_id="job-1", trace_id="t-1"):
    log().info("droplet active", droplet_id="d-1", token="abc")
    log().debug("not said")
logging.getLogger("library").warning("from a library: %s", "bearer abcdefghijklmnop")
try:
    raise ValueError("two\\nlines")
except ValueError:
    log().exception("it broke")
"""


def test_every_line_is_one_json_object_with_the_public_fields() -> None:
    ran = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True, timeout=60, check=True)
    first, second, third = (json.loads(line) for line in ran.stdout.splitlines())
    assert {
        "service": "core-api",
        "environment": "test",
        "level": "info",
        "message": "droplet active",
    }.items() <= first.items()
    assert (first["job_id"], first["trace_id"], first["droplet_id"], first["token"]) == (
        "job-1",
        "t-1",
        "d-1",
        REDACTED,
    )
    assert first["timestamp"].endswith("Z")
    assert (second["level"], second["logger"]) == ("warning", "library")
    assert "abcdefghijklmnop" not in second["message"]
    assert "ValueError: two\nlines" in third["exception"]
