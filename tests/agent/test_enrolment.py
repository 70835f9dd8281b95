"""An agent enrols once, keeps its credential safe, and gets through every way that can go wrong."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.control_plane import Answer, ControlPlane
from tests.agent.droplets import Droplet
from tests.waiting import poll_until

GARBAGE: dict[str, Answer] = {
    "not http": b"\x00\xff\x00 hello\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    "not json": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "not an object": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "deep": b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
    "not utf-8": b'HTTP/1.1 200 OK\r\n\r\n{"credential": "\xff\xfe"}',
    "huge": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (3 << 20),
    "huge head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (3 << 20),
    "bad status": b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "no credential": {"credential": None},
    "a number for a credential": {"credential": 7},
    "a credential that breaks headers": {"credential": "a\r\nX-Evil: 1"},
}


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as found:
        yield found


@pytest.fixture
def droplet(tmp_path: Path, plane: ControlPlane) -> Iterator[Droplet]:
    found = Droplet(tmp_path / "droplet", plane.url)
    yield found
    found.stop()


def credential(droplet: Droplet) -> Any:
    return droplet.stored("credential")["credential"]


def test_it_trades_the_token_for_a_credential_and_reports(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: len(plane.heartbeats) >= 3)
    (enrolment,) = plane.enrolments
    assert enrolment["droplet_id"] == "droplet-1"
    assert enrolment["token"] == "cgt-secret"
    assert len(enrolment["nonce"]) >= 32
    assert enrolment["pid"] == droplet.pid
    assert enrolment["agent_version"]
    assert enrolment["bearer"] is None
    assert set(plane.heartbeats.bearers()) == {"credential-1"}
    assert [beat["seq"] - plane.heartbeats[0]["seq"] for beat in plane.heartbeats[:3]] == [0, 1, 2]
    assert plane.heartbeats[0]["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert plane.heartbeats[0]["workloads"] == []
    assert plane.heartbeats[0]["uptime_seconds"] > 0


def test_its_secrets_are_for_its_owner_only_and_the_token_is_erased(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.bootstrap.chmod(0o600)
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    poll_until(lambda: droplet.token() is None)
    for file in (droplet.state / "credential", droplet.state / "nonce", droplet.bootstrap):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    command = Path(f"/proc/{droplet.pid}/cmdline").read_bytes() + Path(f"/proc/{droplet.pid}/environ").read_bytes()
    for secret in ("cgt-secret", "credential-1", droplet.stored("nonce")["nonce"]):
        assert secret.encode() not in command
        assert secret not in droplet.said()


def test_a_lost_reply_is_asked_for_again_with_the_same_nonce(plane: ControlPlane, droplet: Droplet) -> None:
    plane.script("enroll", "drop", "drop")
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    assert len(plane.enrolments) == 3
    assert len({enrolment["nonce"] for enrolment in plane.enrolments}) == 1
    assert plane.heartbeats[0]["bearer"] == "credential-3"


def test_an_agent_that_died_after_enrolling_uses_the_same_nonce(plane: ControlPlane, droplet: Droplet) -> None:
    plane.script("enroll", "drop", *["drop"] * 50)
    droplet.start()
    poll_until(lambda: plane.enrolments)
    droplet.stop()
    plane.scripts.clear()
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    assert len({enrolment["nonce"] for enrolment in plane.enrolments}) == 1


def test_a_restarted_agent_goes_on_with_its_credential(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    droplet.stop()
    before = len(plane.heartbeats)
    last = plane.heartbeats[-1]["seq"]
    droplet.start()
    poll_until(lambda: len(plane.heartbeats) > before)
    assert len(plane.enrolments) == 1
    assert plane.heartbeats[-1]["seq"] > last


@pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_instead_of_a_reply_is_survived(plane: ControlPlane, droplet: Droplet, reply: Answer) -> None:
    plane.script("enroll", reply)
    plane.script("heartbeat", *([reply] if isinstance(reply, bytes) else []))
    droplet.start()
    poll_until(lambda: len(plane.heartbeats) >= 3)
    assert droplet.running()


def test_a_refused_token_is_said_loudly_and_a_new_one_is_used_at_once(plane: ControlPlane, droplet: Droplet) -> None:
    plane.tokens = {"cgt-fresh": None}
    droplet.start()
    droplet.hears("REFUSED (401)")
    assert droplet.running()
    content = json.loads(droplet.bootstrap.read_text())
    fresh = droplet.bootstrap.with_name("fresh")
    fresh.write_text(json.dumps({**content, "token": "cgt-fresh"}))
    fresh.rename(droplet.bootstrap)
    poll_until(lambda: plane.heartbeats)
    assert plane.enrolments[-1]["token"] == "cgt-fresh"
    poll_until(lambda: droplet.token() is None)


def test_a_token_that_somebody_else_used_is_said_loudly(plane: ControlPlane, droplet: Droplet) -> None:
    plane.tokens = {"cgt-secret": "the nonce of another"}
    droplet.start()
    droplet.hears("REFUSED (409)")
    assert droplet.running()
    assert plane.heartbeats == []


@pytest.mark.parametrize("call", ["enroll", "heartbeat"])
def test_an_agent_whose_droplet_is_gone_ends_without_complaint(
    plane: ControlPlane, droplet: Droplet, call: str
) -> None:
    plane.script(call, 410)
    droplet.start()
    assert droplet.exit_code() == 0


def test_a_refused_credential_is_kept_and_said_loudly(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    poll_until(lambda: droplet.token() is None)
    kept = plane.credentials.copy()
    plane.credentials.clear()
    droplet.hears("heartbeat REFUSED (401)")
    seen = len(plane.heartbeats)
    plane.credentials |= kept
    poll_until(lambda: len(plane.heartbeats) > seen + 2)
    assert len(plane.enrolments) == 1


def test_a_refused_credential_and_a_new_token_make_it_enrol_again(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    poll_until(lambda: droplet.token() is None)
    plane.credentials.clear()
    plane.tokens = {"cgt-second": None}
    fresh = droplet.bootstrap.with_name("fresh")
    fresh.write_text(json.dumps({**json.loads(droplet.bootstrap.read_text()), "token": "cgt-second"}))
    fresh.rename(droplet.bootstrap)
    poll_until(lambda: "credential-2" in plane.heartbeats.bearers())
    assert credential(droplet) == "credential-2"


def test_a_new_credential_is_stored_before_it_is_used(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    plane.rotate = "rotated-1"
    poll_until(lambda: "rotated-1" in plane.heartbeats.bearers())
    assert credential(droplet) == "rotated-1"
    used = plane.heartbeats.bearers()
    assert set(used[used.index("rotated-1") :]) == {"rotated-1"}


def test_a_rotation_whose_reply_is_lost_leaves_the_old_credential_in_use(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    plane.rotate = "rotated-lost"
    plane.script("heartbeat", "drop")
    seen = len(plane.heartbeats)
    poll_until(lambda: len(plane.heartbeats) > seen + 2 and plane.rotate is None)
    assert set(plane.heartbeats.bearers()) == {"credential-1"}
    plane.rotate = "rotated-2"
    poll_until(lambda: "rotated-2" in plane.heartbeats.bearers())


def test_a_credential_that_cannot_be_stored_is_not_used(plane: ControlPlane, droplet: Droplet) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    blocked = droplet.state / f"credential.{droplet.pid}.tmp"
    blocked.mkdir()
    plane.rotate = "rotated-1"
    droplet.hears("Is a directory")
    blocked.rmdir()
    assert credential(droplet) == "credential-1"
    plane.rotate = "rotated-2"
    poll_until(lambda: "rotated-2" in plane.heartbeats.bearers())
    assert "rotated-1" not in plane.heartbeats.bearers()


def test_a_second_agent_on_the_same_state_gives_way(plane: ControlPlane, droplet: Droplet, tmp_path: Path) -> None:
    droplet.start()
    poll_until(lambda: plane.heartbeats)
    second = Droplet(tmp_path / "second", plane.url)
    second.state = droplet.state
    assert second.start().exit_code() == 3
    assert droplet.stored("process.json")["pid"] == droplet.pid
    assert Path(droplet.state).samefile(second.state)
